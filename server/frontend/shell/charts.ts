// Charts of metrics: uPlot in the place of the line that the server drew, with a reading under the pointer.

import uPlot from "uplot";
import { clock } from "./clock";

const HEIGHT = 64;
const charts = new WeakMap<HTMLElement, uPlot>();

type Points = [number[], number[]];

/** Draw the charts that are not drawn yet. */
export function drawCharts(): void {
  for (const place of document.querySelectorAll<HTMLElement>(".chart[data-points]")) {
    if (!charts.has(place)) draw(place);
  }
}

/** Give a chart the points of its fresh version; false where nothing is drawn yet. */
export function updateChart(place: HTMLElement, fresh: HTMLElement): boolean {
  const chart = charts.get(place);
  const points = parse(fresh);
  if (!chart || !points) return false;
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
      scales: { y: { range: (_, low, high) => (low === high ? [low - 1, high + 1] : [low, high]) } },
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
  new ResizeObserver(() => chart.setSize({ width: place.clientWidth, height: HEIGHT })).observe(place);
  document.addEventListener("datacat:theme", () => chart.redraw());
}

/** When the session started, in seconds since 1970: readings are told on its time axis. */
function start(): number {
  return Number(document.getElementById("timeline")?.dataset["start"] ?? 0);
}

export function quantity(value: number, unit: string): string {
  const number = (scaled: number) => scaled.toLocaleString("en", { maximumSignificantDigits: 4 });
  if (unit === "bytes") {
    const power = Math.min(5, Math.max(0, Math.floor(Math.log10(Math.abs(value) || 1) / 3)));
    return `${number(value / 1000 ** power)} ${["B", "KB", "MB", "GB", "TB", "PB"][power]}`;
  }
  return `${number(value)} ${unit}`;
}
