// The exact times of the page, in the reader's zone or in UTC: the server writes them in UTC.

import { keep, kept } from "./kept";
import { onPage } from "./page";

const KEPT = "datacat-zone";
let chosen = kept(KEPT);

export function offerZones(): void {
  const button = document.getElementById("zone");
  const say = () => {
    const utc = inUtc();
    if (button) {
      button.textContent = utc ? "UTC" : "local";
      button.setAttribute("aria-label", `Times: ${utc ? "UTC" : "local"}`);
      button.title = utc ? "Exact times are in UTC" : `Exact times are in your zone, ${Intl.DateTimeFormat().resolvedOptions().timeZone}`;
    }
    sayTimes(document);
  };
  if (button) button.hidden = false;
  button?.addEventListener("click", () => {
    chosen = inUtc() ? null : "utc";
    keep(KEPT, chosen);
    say();
    document.dispatchEvent(new Event("datacat:zone"));
  });
  onPage(say);
  // Parts of a page that come after it.
  document.addEventListener("htmx:afterSwap", () => sayTimes(document));
}

/** Whether the reader wants times in UTC. */
function inUtc(): boolean {
  return chosen === "utc";
}

/** An instant to the millisecond: `2026-11-21 23:04:02.118 +01:00`, or with `UTC`. */
function exact(instant: Date, utc = inUtc()): string {
  const offset = utc ? 0 : -instant.getTimezoneOffset();
  const shifted = new Date(instant.getTime() + offset * 60_000).toISOString();
  return `${shifted.slice(0, 10)} ${shifted.slice(11, 23)} ${utc ? "UTC" : zone(offset)}`;
}

/** Rewrite exact times for the reader: the titles, and the text where `data-exact` is set: to the second, or `full`. */
export function sayTimes(where: ParentNode): void {
  for (const time of where.querySelectorAll<HTMLTimeElement>("time[datetime]")) {
    const instant = new Date(time.dateTime);
    if (Number.isNaN(instant.getTime()) || !time.dateTime.includes("T")) continue;
    const text = exact(instant);
    time.title = text;
    const shown = time.dataset["exact"];
    if (shown !== undefined) time.textContent = shown === "full" ? text : text.slice(0, 19);
  }
}

function zone(minutes: number): string {
  const size = Math.abs(minutes);
  const two = (number: number) => String(number).padStart(2, "0");
  return `${minutes < 0 ? "-" : "+"}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}
