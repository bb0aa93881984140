// The time axis of a session, drawn on a canvas in the places where the server has drawn it: zoomed, moved and read off.
//
// The server's drawing is the first picture and stays where there is no script. The canvas, the window of the overview
// and the cursor are the script's own (`data-own`): they live on when the page is brought up to date.

import { clock } from "../../shell/clock";
import { goTo } from "../../shell/navigate";
import { onPage, refresh } from "../../shell/page";
import { addressOf, inAddress, momentInAddress, viewInAddress } from "./address";
import { coloursAt, type Colours } from "./colours";
import { countsIn } from "./counts";
import { Cursor } from "./cursor";
import { Source } from "./data";
import { draw, type Scene } from "./draw";
import { layoutOf, type Layout } from "./lanes";
import { laneAt, markAt } from "./marks";
import { Moment } from "./moment";
import { Overview } from "./overview";
import { follow } from "./pointer";
import { readingsAt } from "./reading";
import { isWhole, lengthOf, panned, within, zoomed, type View } from "./view";
import { duration, place } from "./words";

const SETTLED_MS = 250;
const RESTS_MS = 2000;
const ZOOM = 2;
const STEP = 0.125;
const NUDGE = 0.01; // of the view's length: what the cursor moves by a key
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
  private before = new URLSearchParams();
  private font = "";
  private frame = 0;
  private pointing = 0;
  private settling = 0;
  private resting = 0;
  private nudging = 0;
  private chosen = false;
  private readonly lanes = document.getElementById("lanes")!;
  private readonly picture = document.getElementById("picture")!;
  private readonly canvas = this.picture.querySelector("canvas")!;
  private readonly line = new Cursor(document.getElementById("timeline-cursor")!);
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
    this.font = `11.5px ${getComputedStyle(this.lanes).fontFamily}`;
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
      font: this.font,
    };
  }

  private redraw(): void {
    this.frame ||= requestAnimationFrame(() => ((this.frame = 0), this.paint()));
  }

  private paint(): void {
    const context = this.source.near && this.canvas.getContext("2d");
    if (!context) return;
    const begun = performance.now();
    const scale = this.canvas.width / Math.max(1, this.layout.width);
    context.setTransform(scale, 0, 0, scale, 0, 0);
    draw(context, this.scene());
    this.overview.show();
    this.point();
    this.canvas.dataset["drawnMs"] = (performance.now() - begun).toFixed(2);
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
    clearTimeout(this.resting);
    this.settling = setTimeout(() => {
      const address = addressOf(this.view, this.seconds);
      const changed = address !== location.pathname + location.search + location.hash;
      if (changed) history.replaceState(history.state, "", address);
      this.say();
      // What grew by itself came with a page that knows it.
      if (changed && this.chosen) {
        document.dispatchEvent(new Event("datacat:view"));
        // The server's drawing is what is printed: it follows when nobody moves the view any more.
        this.resting = setTimeout(() => void refresh(), RESTS_MS);
      }
      this.chosen = false;
    }, SETTLED_MS);
  }

  private say(): void {
    const span = document.getElementById("timeline-span");
    const whole = isWhole(this.view, this.seconds);
    const [begin, end] = [place(this.view.begin, 1), place(this.view.end, 1)];
    if (span) span.textContent = whole ? duration(this.seconds) : `${begin} – ${end} of ${duration(this.seconds)}`;
    const counts = document.getElementById("timeline-counts");
    const { near } = this.source;
    if (counts) counts.textContent = `From ${begin} to ${end}: ${near ? countsIn(near, this.view) : ""}`;
  }

  private at(share: number): number {
    return this.view.begin + share * lengthOf(this.view);
  }

  /** The cursor stands at an instant; null: nowhere. */
  private hover(at: number | null): void {
    this.cursor = at;
    this.moment.look(at);
    this.pointing ||= requestAnimationFrame(() => ((this.pointing = 0), this.point()));
  }

  private point(): void {
    const { cursor, view } = this;
    if (cursor === null || cursor < view.begin || cursor > view.end) this.line.hide();
    else this.line.show(this.layout, (cursor - view.begin) / lengthOf(view), cursor, readingsAt(this.scene(), cursor));
  }

  private pick(at: number | null, others: Record<string, string | null> = {}): void {
    this.moment.release();
    this.before = new URLSearchParams(location.search);
    goTo(addressOf(this.view, this.seconds, at, others));
  }

  /** A mark stands for what happened there: its event is shown in the table, or the state that it led to. */
  private pickIn(at: number, y: number): void {
    const lane = laneAt(this.scene(), y);
    const mark = lane && markAt(this.scene(), lane, at);
    if (!mark) return this.pick(at);
    const end = Math.min(mark.end, this.seconds);
    if (lane === "state") return this.pick(end);
    const exceptions = lane === "exceptions";
    const reveal = new CustomEvent("datacat:reveal", { detail: { ...mark, exceptions }, cancelable: true });
    // Whoever has the row of the event shows it; else the table is to begin there.
    if (!document.dispatchEvent(reveal)) return this.pick(end);
    this.pick(end, { until: inAddress(end), cursor: null, ...(exceptions ? { level: "exception" } : {}) });
  }

  private reset(): void {
    this.view = { begin: 0, end: this.seconds };
    // What the first of the two clicks has picked is taken back.
    const at = this.before.get("at");
    this.pick(at === null ? null : Number(at), { until: this.before.get("until"), level: this.before.get("level") });
    this.ask();
    this.redraw();
    this.settle();
  }

  private key(event: KeyboardEvent): boolean {
    const { key } = event;
    if (event.shiftKey && (key === "ArrowLeft" || key === "ArrowRight")) return this.nudge(key === "ArrowLeft" ? -NUDGE : NUDGE);
    if (key === "n" || key === "p") return this.step(key === "n" ? "next" : "previous");
    if (key === "Escape") return momentInAddress() !== null && (this.pick(null), true);
    if (key === "Enter") return this.cursor !== null && event.target === this.lanes && (this.pick(this.cursor), true);
    // Elsewhere it leads to the top of the page.
    if (key === "Home" && event.target !== this.lanes) return false;
    return this.move(key);
  }

  private move(key: string): boolean {
    switch (key) {
      case "+":
      case "=":
        return this.zoom(1 / ZOOM, 0.5), true;
      case "-":
        return this.zoom(ZOOM, 0.5), true;
      case "ArrowLeft":
        return this.pan(-STEP), true;
      case "ArrowRight":
        return this.pan(STEP), true;
      case "0":
      case "Home":
        return this.show({ begin: 0, end: this.seconds }), true;
      default:
        return false;
    }
  }

  /** Move the cursor by a share of the view's length. */
  private nudge(share: number): boolean {
    const from = this.cursor ?? momentInAddress() ?? this.at(0.5);
    const at = Math.min(this.view.end, Math.max(this.view.begin, from + share * lengthOf(this.view)));
    this.hover(at);
    clearTimeout(this.nudging);
    this.nudging = setTimeout(() => this.rest(at), SETTLED_MS);
    return true;
  }

  /** The cursor was moved by keys, and rests: the address shows the same, and what stands there is told in words. */
  private rest(at: number): void {
    this.looked = at;
    history.replaceState(history.state, "", addressOf(this.view, this.seconds, at));
    const said = document.getElementById("timeline-said");
    const readings = readingsAt(this.scene(), at).map((one) => `${one.lane}: ${one.text}`);
    if (said) said.textContent = [clock(at), ...readings].join(", ");
    this.redraw();
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
      hover: (share) => this.hover(share === null ? null : this.at(share)),
      mark: (stretch) => {
        this.selection = stretch && [this.at(stretch[0]), this.at(stretch[1])];
        this.redraw();
      },
      choose: ([from, to]) => {
        this.selection = null;
        this.show(within(this.at(from), this.at(to), this.seconds));
        this.redraw();
      },
      pick: (share, y) => this.pickIn(this.at(share), y),
      reset: () => this.reset(),
      zoom: (factor, share) => this.zoom(factor, share),
      pan: (share) => this.pan(share),
      key: (event) => this.key(event),
    });
    this.lanes.addEventListener("blur", () => this.hover(null));
    document.addEventListener("datacat:hover", (event) => this.hover((event as CustomEvent<number | null>).detail));
    document.addEventListener("datacat:look", (event) => this.pick((event as CustomEvent<number>).detail));
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
      this.move({ in: "+", out: "-", sooner: "ArrowLeft", later: "ArrowRight", whole: "Home" }[button.dataset["zoom"] ?? ""] ?? "");
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
