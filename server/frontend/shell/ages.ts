// Keeps "2 min ago", and for how long something has been so, right while nothing else on the page changes.

import { duration } from "../session/timeline/words";

const UNITS: [number, string][] = [
  [86400, "d"],
  [3600, "h"],
  [60, "min"],
  [1, "s"],
];

export function keepAgesRight(): void {
  setInterval(() => {
    // By the server's clock: the reader's own may be wrong.
    const ahead = Number(document.getElementById("page")?.dataset["ahead"] ?? measureAhead());
    for (const time of document.querySelectorAll<HTMLTimeElement>("time[data-ago], time[data-for]")) {
      const seconds = (Date.now() + ahead - Date.parse(time.dateTime)) / 1000;
      const text = time.dataset["for"] === undefined ? ago(seconds) : duration(Math.max(0, seconds));
      if (time.textContent !== text) time.textContent = text;
    }
  }, 1000);
}

function measureAhead(): number {
  const page = document.getElementById("page");
  const now = Date.parse(page?.dataset["now"] ?? "");
  const ahead = Number.isNaN(now) ? 0 : now - (performance.timeOrigin + performance.now());
  if (page) page.dataset["ahead"] = String(ahead);
  return ahead;
}

function ago(seconds: number): string {
  for (const [length, unit] of UNITS) {
    if (seconds >= length) return `${Math.floor(seconds / length)} ${unit} ago`;
  }
  return "just now";
}
