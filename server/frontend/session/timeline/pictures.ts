// What is drawn of which picture, and what happened in a bucket of it.

import type { Picture } from "./data";
import type { View } from "./view";

/** What to draw of which picture: the near one where it reaches, around it the one of the whole. */
export type Part = { picture: Picture; from: number; to: number };

export function picturesOf(near: Picture | null, whole: Picture | null, view: View): Part[] {
  const parts: Part[] = [];
  const nearEnd = near ? endOf(near) : 0;
  if (near) parts.push({ picture: near, from: near.begin, to: nearEnd });
  if (whole && whole !== near) {
    if (!near) parts.push({ picture: whole, from: view.begin, to: view.end });
    else parts.push({ picture: whole, from: view.begin, to: near.begin }, { picture: whole, from: nearEnd, to: view.end });
  }
  return parts;
}

/** Calls `each` with every bucket of a part that is in view. */
export function buckets(part: Part, view: View, each: (place: number, begin: number) => void): void {
  const { picture } = part;
  const from = Math.max(part.from, view.begin);
  const to = Math.min(part.to, view.end);
  const first = Math.max(0, Math.floor((from - picture.begin) / picture.step));
  const last = Math.min(picture.exceptions.length, Math.ceil((to - picture.begin) / picture.step));
  for (let place = first; place < last; place += 1) each(place, picture.begin + place * picture.step);
}

/** Events of a bucket by weight: plain ones, warnings, errors. */
export function weights(picture: Picture, place: number): [number, number, number] {
  const of = (level: string) => picture.levels[level]?.[place] ?? 0;
  return [of("debug") + of("info"), of("warning"), of("error") + of("critical")];
}

/** Where a picture ends, in seconds from the axis' start. */
export const endOf = (picture: Picture): number => picture.begin + picture.step * picture.exceptions.length;
