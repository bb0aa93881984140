// What stands beside the cursor: the instant, what happened there, and the values of the metrics.

import { quantity } from "../../shell/charts";
import { clock } from "../../shell/clock";
import type { Curve, Picture } from "./data";
import { curveOf, endOf, weights, type Scene } from "./draw";
import { count } from "./words";

/** The lines of the reading at an instant, the instant first. */
export function readingAt(scene: Scene, at: number): string[] {
  const lines = [clock(at)];
  const picture = [scene.near, scene.whole].find((one) => one && one.begin <= at && at < endOf(one));
  if (picture) {
    const happened = happenedIn(picture, Math.floor((at - picture.begin) / picture.step));
    if (happened) lines.push(happened);
  }
  for (const box of scene.layout.boxes) {
    const curve = box.kind === "metric" ? curveOf(scene, box.key) : undefined;
    const value = curve && valueAt(curve, at);
    if (curve && value !== undefined) lines.push(`${curve.name} ${quantity(value, curve.unit)}`);
  }
  return lines;
}

function happenedIn(picture: Picture, place: number): string {
  const [plain, warning, error] = weights(picture, place);
  const parts: string[] = [];
  if (plain + warning + error) parts.push(count(plain + warning + error, "event"));
  if (error) parts.push(count(error, "error"));
  else if (warning) parts.push(count(warning, "warning"));
  const [exceptions, changes] = [picture.exceptions[place] ?? 0, picture.state_changes[place] ?? 0];
  if (exceptions) parts.push(count(exceptions, "exception"));
  if (changes) parts.push(count(changes, "state change"));
  return parts.join(", ");
}

/** The value that holds at an instant: the last one read, or undefined in a gap. */
export function valueAt(curve: Curve, at: number): number | undefined {
  let low = 0;
  let high = curve.times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((curve.times[middle] ?? 0) <= at) low = middle + 1;
    else high = middle;
  }
  const value = curve.values[low - 1];
  const over = low === curve.times.length && !curve.steps && at > (curve.times[low - 1] ?? 0);
  return value === null || over ? undefined : value;
}
