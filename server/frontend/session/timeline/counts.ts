// What happened in a view, in words: the picture's alternative.

import type { Picture } from "./data";
import type { View } from "./view";
import { count } from "./words";

export function countsIn(picture: Picture, view: View): string {
  const first = Math.max(0, Math.floor((view.begin - picture.begin) / picture.step));
  const last = Math.ceil((view.end - picture.begin) / picture.step);
  const sum = (counts: number[]) => counts.slice(first, last).reduce((total, one) => total + one, 0);
  const levels = Object.entries(picture.levels).map(([level, counts]) => [level, sum(counts)] as const);
  const all = levels.reduce((total, [, amount]) => total + amount, 0);
  const parts = levels.filter(([, amount]) => amount).map(([level, amount]) => `${amount.toLocaleString("en")} ${level}`);
  const happened = [count(sum(picture.exceptions), "exception"), count(sum(picture.state_changes), "state change")];
  return [count(all, "event") + (parts.length ? ` (${parts.reverse().join(", ")})` : ""), ...happened].join(", ");
}
