// What is to be read where the cursor is: in each lane what happens there, or the value of its metric.

import { quantity } from "../../shell/charts";
import { curveOf, heightOf } from "./curves";
import type { Curve, Picture } from "./data";
import type { Scene } from "./draw";
import type { Box } from "./lanes";
import { endOf, weights } from "./pictures";
import { count, duration } from "./words";

/** What is read in a lane; `y`: the point of its curve, in pixels from the top. */
export interface Reading {
  lane: string;
  box: Box;
  text: string;
  y: number | null;
}

export function readingsAt(scene: Scene, at: number): Reading[] {
  const picture = [scene.near, scene.whole].find((one) => one && one.begin <= at && at < endOf(one)) ?? null;
  const found: Reading[] = [];
  for (const box of scene.layout.boxes) {
    const { kind, key } = box;
    const reading: Reading = { lane: key || kind, box, text: "", y: null };
    if (kind === "metric") {
      const curve = curveOf(scene, key);
      const place = curve ? placeAt(curve, at) : -1;
      const value = curve?.values[place];
      if (curve && typeof value === "number") {
        reading.text = told(curve, place, value);
        reading.y = heightOf(curve, box)(value);
      }
    } else if (kind === "lifecycle") reading.text = statusAt(scene, at);
    else if (picture) reading.text = happenedIn(picture, Math.floor((at - picture.begin) / picture.step), kind);
    if (reading.text) found.push(reading);
  }
  return found;
}

function told(curve: Curve, place: number, value: number): string {
  const [low, high] = [curve.lows[place], curve.highs[place]];
  const words = quantity(value, curve.unit);
  if (typeof low !== "number" || typeof high !== "number" || low === high) return words;
  return `⌀ ${words} (${quantity(low, curve.unit)} – ${quantity(high, curve.unit)})`;
}

function statusAt(scene: Scene, at: number): string {
  const phase = ((scene.near ?? scene.whole)?.phases ?? []).find((one) => one.begin <= at && at < one.end);
  if (!phase) return "";
  return phase.status === "active" ? phase.status : `${phase.status} ${duration(phase.end - phase.begin)}`;
}

function happenedIn(picture: Picture, place: number, lane: string): string {
  if (lane === "exceptions") return some(picture.exceptions[place], "exception");
  if (lane === "state") return some(picture.state_changes[place], "change");
  if (lane !== "events") return "";
  const [plain, warning, error] = weights(picture, place);
  const severe = [some(error, "error"), some(warning, "warning")].filter(Boolean);
  return [some(plain + warning + error, "event"), ...severe].filter(Boolean).join(", ");
}

const some = (amount: number | undefined, noun: string): string => (amount ? count(amount, noun) : "");

/** Which reading holds at an instant: the last one before; -1 where there is none any more, or none yet. */
function placeAt(curve: Curve, at: number): number {
  let low = 0;
  let high = curve.times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((curve.times[middle] ?? 0) <= at) low = middle + 1;
    else high = middle;
  }
  const over = low === curve.times.length && !curve.steps && at > (curve.times[low - 1] ?? 0);
  return over ? -1 : low - 1;
}
