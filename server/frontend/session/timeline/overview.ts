// The strip above the lanes: all of the axis, with a window on the part that is seen, which can be dragged.

import { isWhole, lengthOf, type View } from "./view";

export class Overview {
  private readonly window: HTMLElement;
  private readonly strip: HTMLElement;

  /** `move`: to a view that begins there; `choose`: a stretch of the axis; both in seconds. */
  constructor(
    area: HTMLElement,
    private readonly state: () => { view: View; seconds: number },
    move: (begin: number) => void,
    choose: (begin: number, end: number) => void,
  ) {
    this.window = area.querySelector<HTMLElement>("#overview-window")!;
    this.strip = area.querySelector<HTMLElement>(".strip")!;
    let from: { at: number; begin: number; moving: boolean } | null = null;
    const at = (event: MouseEvent) => {
      const place = this.strip.getBoundingClientRect();
      return Math.min(1, Math.max(0, (event.clientX - place.left) / place.width)) * this.state().seconds;
    };
    this.strip.addEventListener("pointerdown", (event) => {
      const { view, seconds } = this.state();
      const place = at(event);
      const moving = !isWhole(view, seconds) && place >= view.begin && place <= view.end;
      from = { at: place, begin: view.begin, moving };
      this.strip.setPointerCapture(event.pointerId);
      event.preventDefault();
    });
    this.strip.addEventListener("pointermove", (event) => {
      if (!from) return;
      if (from.moving) move(from.begin + at(event) - from.at);
      else this.put(Math.min(from.at, at(event)), Math.max(from.at, at(event)));
    });
    const release = (event: PointerEvent) => {
      if (!from) return;
      const [first, last] = [Math.min(from.at, at(event)), Math.max(from.at, at(event))];
      const { view, seconds } = this.state();
      const { moving } = from;
      from = null;
      if (moving) return;
      if (last - first > seconds / 200) choose(first, last);
      else move(first - lengthOf(view) / 2);
    };
    this.strip.addEventListener("pointerup", release);
    this.strip.addEventListener("pointercancel", () => ((from = null), this.show()));
  }

  show(): void {
    const { view, seconds } = this.state();
    this.put(view.begin, view.end);
    this.window.hidden = isWhole(view, seconds);
  }

  private put(begin: number, end: number): void {
    const { seconds } = this.state();
    this.window.hidden = false;
    this.window.style.left = `${(100 * begin) / seconds}%`;
    this.window.style.width = `${Math.max(0.3, (100 * (end - begin)) / seconds)}%`;
  }
}
