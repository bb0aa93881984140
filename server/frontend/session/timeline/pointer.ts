// What the pointer and the keys do to the time axis.

import { isTyping } from "../../shell/keys";

interface Hands {
  /** The cursor is at a share of the plot's width; null: it has left. */
  hover(share: number | null): void;
  /** A stretch is being marked, then chosen; null: it was given up. */
  mark(stretch: [number, number] | null): void;
  choose(stretch: [number, number]): void;
  /** An instant was picked, so many pixels below the top. */
  pick(share: number, y: number): void;
  /** Picked twice in one place. */
  reset(): void;
  zoom(factor: number, share: number): boolean;
  pan(share: number): boolean;
  key(event: KeyboardEvent): boolean;
}

const DRAG_PIXELS = 4;
const TWICE_MS = 350;
const SCROLLING_MS = 300;
const WHEEL_PIXELS = 500; // to zoom by e

/** `plot`: where time is on the screen, from the left of `area`, in pixels. */
export function follow(area: HTMLElement, plot: () => { left: number; width: number }, hands: Hands): void {
  let from: { share: number; x: number; touch: boolean; last: number } | null = null;
  let dragging = false;
  let picked = { when: -Infinity, x: 0 };
  let scrolledAt = -Infinity;
  const fingers = new Map<number, number>();
  const shareAt = (x: number) => (x - area.getBoundingClientRect().left - plot().left) / plot().width;
  const inside = (share: number) => Math.min(1, Math.max(0, share));

  addEventListener("scroll", () => (scrolledAt = performance.now()), { passive: true });

  /** Two fingers: what was between them stays between them. */
  const pinch = (event: PointerEvent) => {
    const [first, second] = [...fingers.values()];
    const before = fingers.get(event.pointerId);
    if (first === undefined || second === undefined || before === undefined) return;
    const other = before === first ? second : first;
    const [wide, wider] = [Math.abs(before - other), Math.abs(event.clientX - other)];
    if (wide > 8 && wider > 8) hands.zoom(wide / wider, inside(shareAt(other)));
  };

  area.addEventListener("pointerdown", (event) => {
    const share = shareAt(event.clientX);
    if (event.button || share < 0 || share > 1) return;
    const touch = event.pointerType === "touch";
    if (touch) {
      fingers.set(event.pointerId, event.clientX);
      area.setPointerCapture(event.pointerId);
    }
    from = { share, x: event.clientX, touch, last: share };
    dragging = fingers.size > 1;
  });
  area.addEventListener("pointermove", (event) => {
    const share = shareAt(event.clientX);
    if (fingers.size > 1) {
      pinch(event);
      fingers.set(event.pointerId, event.clientX);
      return;
    }
    if (fingers.has(event.pointerId)) fingers.set(event.pointerId, event.clientX);
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
    const pinched = fingers.size > 1;
    fingers.delete(event.pointerId);
    if (!from) return;
    if (pinched) {
      // The finger that stays moves the axis from where it is.
      const [x] = [...fingers.values()];
      if (x !== undefined) from = { ...from, x, last: shareAt(x) };
      return;
    }
    const [begin, end] = [from.share, inside(shareAt(event.clientX))];
    const { touch } = from;
    from = null;
    if (!done || touch || !dragging) hands.mark(null);
    if (!done) return;
    if (dragging) {
      if (!touch) hands.choose([Math.min(begin, end), Math.max(begin, end)]);
      return;
    }
    const now = performance.now();
    const twice = now - picked.when < TWICE_MS && Math.abs(event.clientX - picked.x) < 2 * DRAG_PIXELS;
    picked = { when: twice ? -Infinity : now, x: event.clientX };
    if (twice) hands.reset();
    else hands.pick(begin, event.clientY - area.getBoundingClientRect().top);
  };
  area.addEventListener("pointerup", (event) => release(event, true));
  area.addEventListener("pointercancel", (event) => release(event, false));
  area.addEventListener("pointerleave", (event) => event.pointerType !== "touch" && hands.hover(null));
  area.addEventListener(
    "wheel",
    (event) => {
      const share = shareAt(event.clientX);
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
  // Wherever the focus is, unless something is typed or another list of keys is open.
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (!area.isConnected || isTyping(event.target) || document.querySelector("dialog[open]")) return;
    if (event.key === "Escape" && from) {
      from = null;
      hands.mark(null);
    } else if (hands.key(event)) event.preventDefault();
  });
}
