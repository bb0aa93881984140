// What the pointer and the keys do to the time axis.

export interface Hands {
  /** The cursor is at a share of the plot's width; null: it has left. */
  hover(share: number | null): void;
  /** A stretch is being marked, then chosen; null: it was given up. */
  mark(stretch: [number, number] | null): void;
  choose(stretch: [number, number]): void;
  /** An instant was picked. */
  pick(share: number): void;
  zoom(factor: number, share: number): boolean;
  pan(share: number): boolean;
  key(name: string): boolean;
}

const DRAG_PIXELS = 4;
const SCROLLING_MS = 300;
const WHEEL_PIXELS = 500; // to zoom by e

/** `plot`: where time is on the screen, from the left of `area`, in pixels. */
export function follow(area: HTMLElement, plot: () => { left: number; width: number }, hands: Hands): void {
  let from: { share: number; x: number; touch: boolean; last: number } | null = null;
  let dragging = false;
  let scrolledAt = -Infinity;
  const shareOf = (event: MouseEvent) => {
    const { left, width } = plot();
    return (event.clientX - area.getBoundingClientRect().left - left) / width;
  };
  const inside = (share: number) => Math.min(1, Math.max(0, share));

  addEventListener("scroll", () => (scrolledAt = performance.now()), { passive: true });

  area.addEventListener("pointerdown", (event) => {
    const share = shareOf(event);
    if (event.button || share < 0 || share > 1) return;
    from = { share, x: event.clientX, touch: event.pointerType === "touch", last: share };
    dragging = false;
  });
  area.addEventListener("pointermove", (event) => {
    const share = shareOf(event);
    if (from && (dragging || Math.abs(event.clientX - from.x) > DRAG_PIXELS)) {
      if (!dragging) area.setPointerCapture(event.pointerId);
      dragging = true;
      if (from.touch) hands.pan(from.last - share);
      else hands.mark([from.share, inside(share)]);
      from.last = share;
    }
    hands.hover(share >= 0 && share <= 1 ? share : null);
  });
  const release = (event: PointerEvent, done: boolean) => {
    if (!from) return;
    const [begin, end] = [from.share, inside(shareOf(event))];
    const { touch } = from;
    from = null;
    if (!done || touch || !dragging) hands.mark(null);
    if (done && dragging && !touch) hands.choose([Math.min(begin, end), Math.max(begin, end)]);
    else if (done && !dragging) hands.pick(begin);
  };
  area.addEventListener("pointerup", (event) => release(event, true));
  area.addEventListener("pointercancel", (event) => release(event, false));
  area.addEventListener("pointerleave", () => hands.hover(null));
  area.addEventListener(
    "wheel",
    (event) => {
      const share = shareOf(event);
      if (share < 0 || share > 1) return;
      // Who scrolls the page past the axis does not mean the axis.
      if (!event.ctrlKey && performance.now() - scrolledAt < SCROLLING_MS) return;
      const pixels = event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? 1 : 30;
      const [dx, dy] = event.shiftKey ? [event.deltaY || event.deltaX, 0] : [event.deltaX, event.deltaY];
      const sideways = Math.abs(dx) > Math.abs(dy);
      const done = sideways ? hands.pan((dx * pixels) / plot().width) : hands.zoom(Math.exp((dy * pixels) / WHEEL_PIXELS), share);
      if (done) event.preventDefault();
    },
    { passive: false },
  );
  area.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && from) {
      from = null;
      hands.mark(null);
    } else if (hands.key(event.key)) event.preventDefault();
  });
}
