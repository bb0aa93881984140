// The line through all lanes where the reader looks, and what each lane says there.

import { clock } from "../../shell/clock";
import type { Layout } from "./lanes";
import type { Reading } from "./reading";

const FLIPPED_FROM = 0.7; // of the plot's width: beside the line there is room on its left only

export class Cursor {
  private readonly line: HTMLElement;

  /** `area` covers all lanes. */
  constructor(private readonly area: HTMLElement) {
    this.line = area.querySelector<HTMLElement>(".line")!;
  }

  hide(): void {
    this.area.hidden = true;
  }

  /** Put the line at `share` of the plot's width; `at`: the instant there, in seconds from the axis' start. */
  show(layout: Layout, share: number, at: number, readings: Reading[]): void {
    this.area.hidden = false;
    this.line.style.transform = `translateX(${layout.left + share * layout.plot}px)`;
    this.line.classList.toggle("flipped", share > FLIPPED_FROM);
    const instant = this.line.querySelector("output");
    if (instant) instant.textContent = clock(at);
    const beside = readings.filter((one) => !one.box.range);
    this.line.replaceChildren(...(instant ? [instant] : []), ...beside.map(tag), ...readings.flatMap(dot));
    this.area.replaceChildren(this.line, ...readings.filter((one) => one.box.range).map((one) => value(layout, one)));
  }
}

function words(reading: Reading): HTMLElement {
  const told = document.createElement("span");
  told.dataset["of"] = reading.lane;
  told.textContent = reading.text;
  return told;
}

function tag(reading: Reading): HTMLElement {
  const told = words(reading);
  told.style.top = `${reading.box.top + reading.box.height / 2}px`;
  return told;
}

/** What a curve says takes the place of the range of its values: nothing covers the curve. */
function value(layout: Layout, reading: Reading): HTMLElement {
  const told = words(reading);
  const { left, right, top } = reading.box.range ?? { left: 0, right: 0, top: 0 };
  told.style.top = `${top}px`;
  // The labels stand in a column of their own, or above the lanes, with the range at their right end.
  if (layout.left > 0) told.style.left = `${left}px`;
  else told.style.right = `${right}px`;
  told.style.maxWidth = layout.left > 0 ? `${layout.left - left - 4}px` : "70%";
  return told;
}

function dot(reading: Reading): HTMLElement[] {
  if (reading.y === null) return [];
  const point = document.createElement("i");
  point.style.top = `${reading.y}px`;
  return [point];
}
