// The time axis of a session, drawn on a canvas in the places where the server has drawn it: zoomed, moved and read off.
//
// The server's drawing is the first picture and stays where there is no script. The canvas, the window of the overview
// and the cursor are the script's own (`data-own`): they live on when the page is brought up to date.

import { goTo } from "../../shell/navigate";
import { onPage } from "../../shell/page";
import { addressOf, momentInAddress, viewInAddress } from "./address";
import { coloursAt, type Colours } from "./colours";
import { Source } from "./data";
import { draw, type Scene } from "./draw";
import { layoutOf, type Layout } from "./lanes";
import { Moment } from "./moment";
import { Overview } from "./overview";
import { follow } from "./pointer";
import { readingAt } from "./reading";
import { isWhole, lengthOf, panned, within, zoomed, type View } from "./view";
import { count, duration, place } from "./words";

const SETTLED_MS = 250;
const ZOOM = 2;
const STEP = 0.125;
const NEAR_END = 0.01; // of the view's length: a pointer does not hit the very last instant

export function drawTimeline(): void {
  let timeline: Timeline | null = null;
  onPage(() => {
    const section = document.getElementById("timeline");
    if (!section) return;
    if (timeline?.section === section) timeline.refreshed();
    else timeline = new Timeline(section);
  });
}

class Timeline {
  private seconds: number;
  private view: View;
  private cursor: number | null = null;
  private selection: [number, number] | null = null;
  private layout!: Layout;
  private colours: Colours;
  private looked = momentInAddress();
  private frame = 0;
  private settling = 0;
  private chosen = false;
  private readonly lanes = document.getElementById("lanes")!;
  private readonly picture = document.getElementById("picture")!;
  private readonly canvas = this.picture.querySelector("canvas")!;
  private readonly line = document.getElementById("timeline-cursor")!;
  private readonly source: Source;
  private readonly overview: Overview;
  private readonly moment = new Moment();

  constructor(readonly section: HTMLElement) {
    this.seconds = this.told();
    this.view = viewInAddress(this.seconds);
    this.colours = coloursAt(this.picture);
    this.source = new Source(section.dataset["address"] ?? "", () => this.arrived());
    this.overview = new Overview(
      document.getElementById("overview")!,
      () => ({ view: this.view, seconds: this.seconds }),
      (begin) => this.show(within(begin, begin + lengthOf(this.view), this.seconds)),
      (begin, end) => this.show(within(begin, end, this.seconds)),
    );
    this.listen();
    this.measure();
    this.ask();
  }

  /** The page was brought up to date: the session may have grown, and lanes may have come. */
  refreshed(): void {
    const grown = this.grow(this.told());
    this.measure();
    this.ask(grown);
    const looked = momentInAddress();
    if (looked !== this.looked) this.bringIntoView((this.looked = looked));
    this.settle(false);
  }

  private told(): number {
    return Number(this.section.dataset["seconds"]) || 1;
  }

  private measure(): void {
    this.layout = layoutOf(this.lanes);
    const scale = devicePixelRatio || 1;
    const { width, height } = this.layout;
    const [across, down] = [Math.round(width * scale), Math.round(height * scale)];
    if (this.canvas.width !== across || this.canvas.height !== down) {
      this.canvas.width = across;
      this.canvas.height = down;
      this.canvas.style.width = `${width}px`;
      this.canvas.style.height = `${height}px`;
    }
    this.redraw();
  }

  private keys(): string[] {
    return this.layout.boxes.filter((box) => box.kind === "metric").map((box) => box.key);
  }

  private ask(now = false): void {
    this.source.want(this.view, this.seconds, this.layout.plot, this.keys(), now);
  }

  private arrived(): void {
    const fresh = this.source.near;
    if (fresh && fresh.seconds > this.seconds) this.grow(fresh.seconds);
    this.picture.classList.add("drawn");
    this.redraw();
  }

  /** The axis is longer now; whoever looks at its end goes along with it. Whether the view is another one. */
  private grow(seconds: number): boolean {
    const by = seconds - this.seconds;
    const whole = isWhole(this.view, this.seconds);
    const atEnd = this.view.end >= this.seconds - NEAR_END * lengthOf(this.view);
    this.seconds = seconds;
    if (whole) this.view = { begin: 0, end: seconds };
    else if (atEnd) this.view = panned(this.view, by, seconds);
    return by !== 0 && atEnd;
  }

  private scene(): Scene {
    return {
      layout: this.layout,
      view: this.view,
      seconds: this.seconds,
      ended: this.section.dataset["ended"] ?? "",
      whole: this.source.whole,
      near: this.source.near,
      cursor: this.cursor,
      pin: momentInAddress(),
      selection: this.selection,
      colours: this.colours,
      font: `11.5px ${getComputedStyle(this.lanes).fontFamily}`,
    };
  }

  private redraw(): void {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      if (!this.source.near) return;
      const context = this.canvas.getContext("2d");
      if (!context) return;
      const begun = performance.now();
      const scale = this.canvas.width / Math.max(1, this.layout.width);
      context.setTransform(scale, 0, 0, scale, 0, 0);
      draw(context, this.scene());
      this.overview.show();
      this.canvas.dataset["drawnMs"] = (performance.now() - begun).toFixed(2);
    });
  }

  /** Show another part of the axis; false where it is shown already. */
  private show(view: View): boolean {
    if (view.begin === this.view.begin && view.end === this.view.end) return false;
    this.view = view;
    this.ask();
    this.redraw();
    this.settle();
    return true;
  }

  /** Once the view rests: the address, the words above it, and what else hangs on it. */
  private settle(chosen = true): void {
    this.chosen ||= chosen;
    clearTimeout(this.settling);
    this.settling = setTimeout(() => {
      const address = addressOf(this.view, this.seconds);
      const changed = address !== location.pathname + location.search + location.hash;
      if (changed) history.replaceState(history.state, "", address);
      this.say();
      // What grew by itself came with a page that knows it.
      if (changed && this.chosen) document.dispatchEvent(new Event("datacat:view"));
      this.chosen = false;
    }, SETTLED_MS);
  }

  private say(): void {
    const span = document.getElementById("timeline-span");
    const whole = isWhole(this.view, this.seconds);
    const [begin, end] = [place(this.view.begin, 1), place(this.view.end, 1)];
    if (span) span.textContent = whole ? duration(this.seconds) : `${begin} – ${end} of ${duration(this.seconds)}`;
    const counts = document.getElementById("timeline-counts");
    if (counts) counts.textContent = `From ${begin} to ${end}: ${this.countsInView()}`;
  }

  private countsInView(): string {
    const { near } = this.source;
    if (!near) return "";
    const first = Math.max(0, Math.floor((this.view.begin - near.begin) / near.step));
    const last = Math.ceil((this.view.end - near.begin) / near.step);
    const sum = (counts: number[]) => counts.slice(first, last).reduce((total, one) => total + one, 0);
    const levels = Object.entries(near.levels).map(([level, counts]) => [level, sum(counts)] as const);
    const all = levels.reduce((total, [, amount]) => total + amount, 0);
    const parts = levels.filter(([, amount]) => amount).map(([level, amount]) => `${amount.toLocaleString("en")} ${level}`);
    const happened = [count(sum(near.exceptions), "exception"), count(sum(near.state_changes), "state change")];
    return [count(all, "event") + (parts.length ? ` (${parts.reverse().join(", ")})` : ""), ...happened].join(", ");
  }

  private at(share: number): number {
    return this.view.begin + share * lengthOf(this.view);
  }

  private hover(share: number | null): void {
    this.cursor = share === null ? null : this.at(share);
    this.line.hidden = share === null;
    if (share === null || this.cursor === null) {
      this.moment.look(null);
      return;
    }
    this.line.style.left = `${this.layout.left + share * this.layout.plot}px`;
    this.line.classList.toggle("flipped", share > 0.7);
    const [instant, ...rest] = readingAt(this.scene(), this.cursor);
    const output = this.line.querySelector("output")!;
    const strong = document.createElement("b");
    strong.textContent = instant ?? "";
    output.replaceChildren(strong, ...rest.map((text) => Object.assign(document.createElement("span"), { textContent: text })));
    this.moment.look(this.cursor);
  }

  private pick(at: number | null): void {
    this.moment.release();
    goTo(addressOf(this.view, this.seconds, at));
  }

  private key(name: string): boolean {
    switch (name) {
      case "+":
      case "=":
        return this.zoom(1 / ZOOM, 0.5), true;
      case "-":
        return this.zoom(ZOOM, 0.5), true;
      case "ArrowLeft":
        return this.pan(-STEP), true;
      case "ArrowRight":
        return this.pan(STEP), true;
      case "Home":
        return this.show({ begin: 0, end: this.seconds }), true;
      case "n":
      case "p":
        return this.step(name === "n" ? "next" : "previous");
      case "Escape":
        return momentInAddress() !== null && (this.pick(null), true);
      default:
        return false;
    }
  }

  private zoom(factor: number, share: number): boolean {
    return this.show(zoomed(this.view, factor, this.at(share), this.seconds));
  }

  private pan(share: number): boolean {
    return this.show(panned(this.view, share * lengthOf(this.view), this.seconds));
  }

  private step(which: string): boolean {
    const link = document.querySelector<HTMLElement>(`#state [data-step="${which}"]`);
    link?.click();
    return link !== null;
  }

  /** An instant that was looked for is brought into view. */
  private bringIntoView(at: number | null): void {
    if (at === null || (at >= this.view.begin && at <= this.view.end)) return;
    this.show(within(at - lengthOf(this.view) / 2, at + lengthOf(this.view) / 2, this.seconds));
  }

  private listen(): void {
    follow(this.lanes, () => ({ left: this.layout.left, width: this.layout.plot }), {
      hover: (share) => this.hover(share),
      mark: (stretch) => {
        this.selection = stretch && [this.at(stretch[0]), this.at(stretch[1])];
        this.redraw();
      },
      choose: ([from, to]) => {
        this.selection = null;
        this.show(within(this.at(from), this.at(to), this.seconds));
        this.redraw();
      },
      pick: (share) => this.pick(this.at(share)),
      zoom: (factor, share) => this.zoom(factor, share),
      pan: (share) => this.pan(share),
      key: (name) => this.key(name),
    });
    new ResizeObserver(() => (this.measure(), this.ask())).observe(this.lanes);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.recolour());
    document.addEventListener("datacat:theme", () => this.recolour());
    addEventListener("popstate", () => this.fromAddress());
    // A link of the server's knows the view of then: where it leads, the view of now is seen.
    document.addEventListener("click", (event) => this.keepView(event), { capture: true });
    this.section.addEventListener("click", (event) => {
      const button = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-zoom]") : null;
      if (!button || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      this.key({ in: "+", out: "-", sooner: "ArrowLeft", later: "ArrowRight", whole: "Home" }[button.dataset["zoom"] ?? ""] ?? "");
    });
  }

  private keepView(event: Event): void {
    const link = event.target instanceof Element ? event.target.closest<HTMLAnchorElement>("#page a[data-keep], .lane a") : null;
    if (!link || link.dataset["zoom"] || link.pathname !== location.pathname) return;
    const url = new URL(link.href);
    for (const name of ["from", "to"]) url.searchParams.delete(name);
    if (!isWhole(this.view, this.seconds)) {
      url.searchParams.set("from", this.view.begin.toFixed(6));
      url.searchParams.set("to", this.view.end.toFixed(6));
    }
    link.href = url.pathname + url.search + url.hash;
  }

  private fromAddress(): void {
    this.moment.release();
    const before = this.view;
    this.view = viewInAddress(this.seconds);
    this.bringIntoView(momentInAddress());
    if (before.begin !== this.view.begin || before.end !== this.view.end) this.ask();
    this.redraw();
    this.settle();
  }

  private recolour(): void {
    this.colours = coloursAt(this.picture);
    this.redraw();
  }
}
