// The line through all lanes where the reader looks, with what each lane says there beside it.

import { clock } from "../../shell/clock";
import type { Layout } from "./lanes";
import type { Reading } from "./reading";

const FLIPPED_FROM = 0.7; // of the plot's width: beside the line there is room on its left only

export class Cursor {
  constructor(private readonly line: HTMLElement) {}

  hide(): void {
    this.line.hidden = true;
  }

  /** Put the line at `share` of the plot's width; `at`: the instant there, in seconds from the axis' start. */
  show(layout: Layout, share: number, at: number, readings: Reading[]): void {
    this.line.hidden = false;
    this.line.style.transform = `translateX(${layout.left + share * layout.plot}px)`;
    this.line.classList.toggle("flipped", share > FLIPPED_FROM);
    const instant = this.line.querySelector("output");
    if (instant) instant.textContent = clock(at);
    this.line.replaceChildren(...(instant ? [instant] : []), ...readings.flatMap(tag));
  }
}

function tag(reading: Reading): HTMLElement[] {
  const words = document.createElement("span");
  words.dataset["of"] = reading.lane;
  words.textContent = reading.text;
  words.style.top = `${reading.top + reading.height / 2}px`;
  if (reading.y === null) return [words];
  const dot = document.createElement("i");
  dot.style.top = `${reading.y}px`;
  dot.style.backgroundColor = reading.colour;
  return [words, dot];
}
