// One instant in all sessions that are compared: a line through their lanes, and the value that each metric had then.

import { quantity } from "../shell/charts";
import { clock } from "../shell/clock";

type Course = [letter: string, times: number[], values: number[]];

/** What each overlay holds, for as long as it holds that. */
const read = new WeakMap<HTMLElement, { text: string; courses: Course[] }>();

export function followInstant(): void {
  document.addEventListener("pointermove", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    const lives = document.querySelector<HTMLElement>(".lives");
    if (!lives) return;
    const place = target?.closest(".lived")?.querySelector<HTMLElement>(".life")?.getBoundingClientRect();
    const share = place && target && lives.contains(target) ? (event.clientX - place.left) / place.width : -1;
    say(lives, share >= 0 && share <= 1 ? share : null, event.clientX);
  });
}

function say(lives: HTMLElement, share: number | null, x: number): void {
  const cursor = lives.querySelector<HTMLElement>(".cursor");
  if (!cursor || (share === null && cursor.hidden)) return;
  cursor.hidden = share === null;
  const at = (share ?? 0) * Number(lives.dataset["axis"]);
  cursor.style.left = `${x - lives.getBoundingClientRect().left}px`;
  cursor.dataset["at"] = clock(at);
  for (const overlay of lives.querySelectorAll<HTMLElement>(".overlay")) {
    const reading = overlay.querySelector("output");
    if (reading) reading.textContent = share === null ? "" : values(overlay, at);
  }
}

function values(overlay: HTMLElement, at: number): string {
  return coursesOf(overlay).flatMap(([letter, times, values]) => {
    const value = values[before(times, at)];
    const over = at > (times[times.length - 1] ?? 0);
    return value === undefined || over ? [] : [`${letter} ${quantity(value, overlay.dataset["unit"] ?? "")}`];
  }).join(" · ");
}

function coursesOf(overlay: HTMLElement): Course[] {
  const text = overlay.dataset["overlay"] ?? "[]";
  const known = read.get(overlay);
  if (known?.text === text) return known.courses;
  const courses = JSON.parse(text) as Course[];
  read.set(overlay, { text, courses });
  return courses;
}

/** The place of the last of these rising instants that is not after another one; -1 where there is none. */
function before(times: number[], at: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle] ?? 0) <= at) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
