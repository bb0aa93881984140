// What the server has folded for a part of the axis. The last answer stays until the next is there.

import { lengthOf, type View } from "./view";

export interface Curve {
  key: string;
  name: string;
  unit: string;
  low: number;
  high: number;
  steps: boolean;
  times: number[];
  values: (number | null)[];
}

export interface Phase {
  begin: number;
  end: number;
  status: string;
}

/** Counts in buckets of `step` seconds from `begin` on; all places are seconds from the axis' start. */
export interface Picture {
  start: number;
  seconds: number;
  running: boolean;
  begin: number;
  step: number;
  levels: Record<string, number[]>;
  exceptions: number[];
  state_changes: number[];
  phases: Phase[];
  lanes: Curve[];
}

const PIXELS_A_BAR = 4;
const WAIT_MS = 60;
const MARGIN = 0.5; // of the view's length, on both sides: what is moved to is there already

export class Source {
  /** The picture of all of the axis, and that of the part around the view. */
  whole: Picture | null = null;
  near: Picture | null = null;
  private asked = "";
  private timer = 0;
  private running: AbortController | null = null;

  constructor(
    private readonly address: string,
    private readonly arrived: () => void,
  ) {}

  /** Ask for the view soon, unless it is what was asked for last; `now`: at once, whatever was asked. */
  want(view: View, seconds: number, width: number, lanes: string[], now = false): void {
    const length = lengthOf(view);
    const margin = length >= seconds ? 0 : length * MARGIN;
    const begin = Math.max(0, view.begin - margin);
    const end = Math.min(seconds, view.end + margin);
    const buckets = Math.max(1, Math.round(((end - begin) / length) * (width / PIXELS_A_BAR)));
    const query = new URLSearchParams({ buckets: String(Math.min(2000, buckets)) });
    if (end - begin < seconds) {
      query.set("from", begin.toFixed(6));
      query.set("to", end.toFixed(6));
    }
    for (const lane of lanes.length ? lanes : [""]) query.append("lane", lane);
    const asked = query.toString();
    if (asked === this.asked && !now) return;
    this.asked = asked;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.ask(`${this.address}/timeline.json?${asked}`), now ? 0 : WAIT_MS);
  }

  private async ask(address: string): Promise<void> {
    this.running?.abort();
    const control = (this.running = new AbortController());
    try {
      const answer = await fetch(address, { signal: control.signal, headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(`${answer.status}`);
      const picture = (await answer.json()) as Picture;
      this.near = picture;
      if (!new URL(address, location.href).searchParams.has("from")) this.whole = picture;
      this.arrived();
    } catch {
      // Stale, or the server is away: the picture stays, and the next wish is asked whatever it is.
      if (!control.signal.aborted) this.asked = "";
    }
  }
}
