// What the server has folded for a part of the axis. The last answer stays until the next is there.

import { endOf } from "./pictures";
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
  /** The least and the greatest of what a value is the mean of; empty where values are readings. */
  lows: (number | null)[];
  highs: (number | null)[];
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
const NEAR_EDGE = 0.15; // of the view's length: more is asked for before it is needed

/** Asks for one picture at a time; what was wished meanwhile is asked for next, and of several wishes the last. */
export class Source {
  /** The picture of all of the axis, and that of the part around the view. */
  whole: Picture | null = null;
  near: Picture | null = null;
  private wished = "";
  private asked = "";
  private timer = 0;
  private running = false;

  constructor(
    private readonly address: string,
    private readonly arrived: () => void,
  ) {}

  /** Ask for the view soon, unless it is there; `now`: ask for it in any case, for it may be another. */
  want(view: View, seconds: number, width: number, lanes: string[], now = false): void {
    const length = lengthOf(view);
    if (!now && this.has(view, seconds, width, lanes)) return;
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
    const wished = query.toString();
    if (wished === this.asked && !now) return;
    this.wished = wished;
    if (!this.timer) this.timer = setTimeout(() => ((this.timer = 0), void this.ask()), now ? 0 : WAIT_MS);
  }

  /** Whether the near picture shows a view as finely as there are pixels, and reaches beyond it. */
  private has(view: View, seconds: number, width: number, lanes: string[]): boolean {
    const { near } = this;
    if (!near || this.wished !== this.asked) return false;
    const length = lengthOf(view);
    const finest = 2 ** Math.ceil(Math.log2((length / Math.max(1, width / PIXELS_A_BAR)) * 1e6)) / 1e6;
    const edge = NEAR_EDGE * length;
    const reaches = near.begin <= Math.max(0, view.begin - edge) && endOf(near) >= Math.min(seconds, view.end + edge);
    const drawn = near.lanes.map((one) => one.key);
    return reaches && near.step <= finest * 1.001 && lanes.every((lane) => drawn.includes(lane));
  }

  private async ask(): Promise<void> {
    if (this.running || !this.wished) return;
    const asked = (this.asked = this.wished);
    this.running = true;
    try {
      const answer = await fetch(`${this.address}/timeline.json?${asked}`, { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(`${answer.status}`);
      const picture = (await answer.json()) as Picture;
      this.near = picture;
      if (!new URLSearchParams(asked).has("from")) this.whole = picture;
      this.arrived();
    } catch {
      // The server is away: the picture stays, and the next wish is asked whatever it is.
      if (this.wished === asked) this.wished = "";
      this.asked = "";
    }
    this.running = false;
    if (this.wished !== this.asked) void this.ask();
  }
}
