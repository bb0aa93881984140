// The table of events: older ones come as the reader scrolls, and those far from the screen give their rows back.

import { goTo } from "../shell/navigate";
import { onPage, refresh } from "../shell/page";
import { sayTimes } from "../shell/zone";
import { meetTimeline } from "./rows";

const AHEAD = "1200px";
const TYPING_MS = 350;

/** Chunks whose rows are on their way. */
const filling = new WeakSet<HTMLElement>();
let loading: AbortController | null = null;
let watched: { table: HTMLElement; ends: IntersectionObserver; chunks: IntersectionObserver } | null = null;

/** The observers of a table that scrolls by itself; on a small screen it does not, and older events stay a link. */
function observersOf(table: HTMLElement): NonNullable<typeof watched> {
  if (watched?.table === table) return watched;
  watched?.ends.disconnect();
  watched?.chunks.disconnect();
  const options = { root: table, rootMargin: AHEAD };
  const ends = new IntersectionObserver((seen) => {
    for (const one of seen) if (one.isIntersecting) void append(one.target as HTMLElement);
  }, options);
  // What is far away keeps its height and its address only.
  const chunks = new IntersectionObserver((seen) => {
    for (const one of seen) {
      if (one.isIntersecting) void fill(one.target as HTMLElement);
      else empty(one.target as HTMLElement);
    }
  }, options);
  return (watched = { table, ends, chunks });
}

export function followEvents(): void {
  onPage(watch);
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || !form.matches("#events form.search")) return;
    event.preventDefault();
    search(form);
  });
  let typing = 0;
  document.addEventListener("input", (event) => {
    const form = event.target instanceof HTMLInputElement ? event.target.closest<HTMLFormElement>("#events form.search") : null;
    if (!form) return;
    clearTimeout(typing);
    typing = setTimeout(() => search(form), TYPING_MS);
  });
  document.addEventListener("datacat:fresh", (event) => {
    if (event.target instanceof HTMLElement && event.target.id === "event-table") {
      takeNew(event.target, (event as CustomEvent<HTMLElement>).detail);
    }
  });
  document.addEventListener("datacat:view", () => {
    const query = new URLSearchParams(location.search);
    // Those in the view of the time axis are others when the view is.
    if (query.get("span")) return void refresh();
    const offer = document.getElementById("events-in-view");
    if (offer) offer.hidden = !query.has("from") && !query.has("to");
  });
  meetTimeline();
}

function watch(): void {
  const table = document.getElementById("event-table");
  // Other rows than before, without the ones that were added.
  if (table?.dataset["own"] === undefined) loading?.abort();
  if (!table || getComputedStyle(table).overflowY !== "auto") return;
  const { ends, chunks } = observersOf(table);
  ends.disconnect();
  const end = table.querySelector<HTMLElement>(".older");
  if (end) ends.observe(end);
  // Rows that the server did not answer for while it was away are asked for again, where they are seen.
  for (const chunk of table.querySelectorAll(".event-chunk:empty")) {
    chunks.unobserve(chunk);
    chunks.observe(chunk);
  }
}

/** Put in what is new at the beginning of a table that reaches farther than a page. */
function takeNew(table: HTMLElement, fresh: HTMLElement): void {
  const rows = [...fresh.querySelectorAll<HTMLElement>(":scope > .event-row")];
  const known = (row: HTMLElement) => table.querySelector(`#${CSS.escape(row.id)}`);
  if (!rows.some(known)) {
    // More has come than a page holds: the table begins anew.
    delete table.dataset["own"];
    return;
  }
  let place: Element | null = table.querySelector(".event-head");
  for (const row of rows) {
    const there = known(row);
    if (there) place = there;
    else {
      const added = document.importNode(row, true);
      place?.after(added);
      place = added;
    }
  }
}

function search(form: HTMLFormElement): void {
  const url = new URL(location.href);
  const text = String(new FormData(form).get("q") ?? "").trim();
  if ((url.searchParams.get("q") ?? "") === text) return;
  url.searchParams.delete("cursor");
  if (text) url.searchParams.set("q", text);
  else url.searchParams.delete("q");
  goTo(url.href);
}

/** Fetch the rows behind the end of the table, and put them there. */
async function append(end: HTMLElement): Promise<void> {
  const table = document.getElementById("event-table");
  const older = end.dataset["older"];
  if (!table || !older || loading) return;
  const control = (loading = new AbortController());
  try {
    const chunk = document.createElement("div");
    chunk.className = "event-chunk";
    chunk.dataset["address"] = rowsAt(table, older);
    const rows = await fetchRows(chunk.dataset["address"], control.signal);
    chunk.append(rows);
    // From here on the table is not replaced by a page that has only its beginning.
    table.dataset["own"] = table.dataset["query"] ?? "";
    end.remove();
    const next = chunk.querySelector<HTMLElement>(".older");
    table.append(chunk);
    if (next) table.append(next);
    observersOf(table).chunks.observe(chunk);
  } catch {
    // The way to older events stays a link.
    return;
  } finally {
    if (loading === control) loading = null;
  }
  watch();
}

function rowsAt(table: HTMLElement, address: string): string {
  return `${table.dataset["address"]}${new URL(address, location.href).search}`;
}

async function fetchRows(address: string, signal?: AbortSignal): Promise<DocumentFragment> {
  const answer = await fetch(address, { headers: { Accept: "text/html" }, ...(signal ? { signal } : {}) });
  if (!answer.ok) throw new Error(`${answer.status}`);
  const template = document.createElement("template");
  template.innerHTML = await answer.text();
  sayTimes(template.content);
  return template.content;
}

async function fill(chunk: HTMLElement): Promise<void> {
  if (chunk.childElementCount || !chunk.dataset["address"] || filling.has(chunk)) return;
  filling.add(chunk);
  try {
    const rows = await fetchRows(chunk.dataset["address"]);
    rows.querySelector(".older")?.remove();
    chunk.append(rows);
    chunk.style.minHeight = "";
  } catch {
    // It stays empty, and is asked for again when it is seen again, or when the server is back.
  } finally {
    filling.delete(chunk);
  }
}

function empty(chunk: HTMLElement): void {
  // What a reader has opened stays.
  if (!chunk.childElementCount || chunk.querySelector("details[open]")) return;
  chunk.style.minHeight = `${chunk.getBoundingClientRect().height}px`;
  chunk.replaceChildren();
}
