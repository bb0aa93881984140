// Charts of metrics: uPlot in the place of the line that the server drew, with a reading under the pointer.

import uPlot from "uplot";
import { duration } from "../session/timeline/words";
import { clock } from "./clock";

const HEIGHT = 64;
const LEAST_SPAN = 0.05; // of the largest value: what hardly varies is not to look as if it did
const charts = new WeakMap<HTMLElement, uPlot>();
const drawn = new Set<HTMLElement>();
const resized = new ResizeObserver((seen) => {
  for (const { target } of seen) charts.get(target as HTMLElement)?.setSize({ width: target.clientWidth, height: HEIGHT });
});
document.addEventListener("datacat:theme", () => drawn.forEach((place) => charts.get(place)?.redraw()));

type Points = [number[], number[]];

/** Draw the charts that are not drawn yet. */
export function drawCharts(): void {
  for (const place of drawn) if (!place.isConnected) drop(place);
  for (const place of document.querySelectorAll<HTMLElement>(".chart[data-points]")) {
    if (!charts.has(place) || !place.querySelector(".uplot")) draw(place);
  }
}

function drop(place: HTMLElement): void {
  charts.get(place)?.destroy();
  charts.delete(place);
  drawn.delete(place);
  resized.unobserve(place);
}

/** Give a chart the points of its fresh version; false where nothing is drawn yet. */
export function updateChart(place: HTMLElement, fresh: HTMLElement): boolean {
  const chart = charts.get(place);
  const points = parse(fresh);
  const same = ["unit", "steps"].every((name) => place.dataset[name] === fresh.dataset[name]);
  if (!chart || !points || !same) {
    drop(place);
    return false;
  }
  for (const name of ["from", "to"]) if (fresh.dataset[name]) place.dataset[name] = fresh.dataset[name];
  if (place.dataset["points"] !== fresh.dataset["points"]) {
    place.dataset["points"] = fresh.dataset["points"];
    chart.setData(points);
  }
  return true;
}

function parse(place: HTMLElement): Points | null {
  const text = place.dataset["points"];
  return text ? (JSON.parse(text) as Points) : null;
}

function draw(place: HTMLElement): void {
  const points = parse(place);
  if (!points) return;
  place.replaceChildren();
  const reading = document.createElement("output");
  reading.ariaHidden = "true";
  const line = () => getComputedStyle(place).color;
  // A counter moves only when it is told to.
  const course = place.dataset["steps"] === undefined ? {} : { paths: uPlot.paths.stepped?.({ align: 1 }) };
  const chart = new uPlot(
    {
      width: place.clientWidth,
      height: HEIGHT,
      legend: { show: false },
      axes: [{ show: false }, { show: false }],
      padding: [6, 2, 4, 2],
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
      series: [{}, { stroke: line, width: 1.5, points: { show: false }, ...course }],
      scales: {
        x: { range: (_, low, high) => [Number(place.dataset["from"] ?? low), Number(place.dataset["to"] ?? high)] },
        y: { range: (_, low, high) => bounds(low, high) },
      },
      hooks: {
        setCursor: [
          (self) => {
            const index = self.cursor.idx;
            const time = index == null ? undefined : self.data[0][index];
            const value = index == null ? undefined : self.data[1]?.[index];
            const shown = time !== undefined && value != null && (self.cursor.left ?? -1) >= 0;
            reading.textContent = shown ? `${clock(time - start())} · ${quantity(value, place.dataset["unit"] ?? "")}` : "";
          },
        ],
      },
    },
    points,
    place,
  );
  place.append(reading);
  charts.set(place, chart);
  drawn.add(place);
  resized.observe(place);
}

function bounds(low: number, high: number): [number, number] {
  const least = (LEAST_SPAN / 2) * Math.max(Math.abs(low), Math.abs(high));
  const [middle, half] = [low / 2 + high / 2, high / 2 - low / 2];
  if (low === high) return [low - (least || 1), high + (least || 1)];
  return half >= least ? [low, high] : [middle - least, middle + least];
}

/** When the session started, in seconds since 1970: readings are told on its time axis. */
function start(): number {
  return Number(document.getElementById("timeline")?.dataset["start"] ?? 0);
}

export function quantity(value: number, unit: string): string {
  const number = (scaled: number) => scaled.toLocaleString("en", { maximumSignificantDigits: 4 });
  if (["bytes", "byte", "B"].includes(unit)) {
    const power = Math.min(5, Math.max(0, Math.floor(Math.log10(Math.abs(value) || 1) / 3)));
    return `${number(value / 1000 ** power)} ${["B", "KB", "MB", "GB", "TB", "PB"][power]}`;
  }
  if (["seconds", "sec", "s"].includes(unit)) return time(value, number);
  return `${number(value)} ${unit === "percent" ? "%" : unit}`.trimEnd();
}

function time(seconds: number, number: (scaled: number) => string): string {
  if (seconds >= 100 && Number.isFinite(seconds)) return duration(seconds);
  const scales: [number, string][] = [[1, "s"], [1e3, "ms"], [1e6, "µs"], [1e9, "ns"]];
  const [factor, unit] = scales.find(([factor]) => Math.abs(seconds) * factor >= 1) ?? [1, "s"];
  return `${number(seconds * factor)} ${unit}`;
}
