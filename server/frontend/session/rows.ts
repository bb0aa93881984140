// The rows of events and the time axis show one another: where a row happened, and what happened where.

interface Mark {
  begin: number;
  end: number;
  exceptions: boolean;
}

export function meetTimeline(): void {
  document.addEventListener("datacat:reveal", (event) => {
    const row = rowOf((event as CustomEvent<Mark>).detail);
    if (!row) return;
    event.preventDefault();
    for (const other of document.querySelectorAll(".event-row.here")) other.classList.remove("here");
    row.classList.add("here");
    scrollInTable(row);
  });
  let pointer = { x: -1, y: -1 };
  document.addEventListener("pointermove", (event) => (pointer = { x: event.clientX, y: event.clientY }), { passive: true });
  const scrolled = () => document.querySelector(".event-row:hover") && say("datacat:hover", null);
  addEventListener("scroll", scrolled, { passive: true, capture: true });
  document.addEventListener("pointerover", (event) => {
    // What comes under a pointer that rests is not looked at.
    const rests = event.clientX === pointer.x && event.clientY === pointer.y;
    if (event.pointerType !== "mouse" || rests) return;
    const row = rowUnder(event.target);
    if (row || rowUnder(event.relatedTarget)) say("datacat:hover", row ? placeOf(row) : null);
  });
  // Whoever opens a row looks at that instant.
  document.addEventListener("click", (event) => {
    const summary = event.target instanceof Element ? event.target.closest(".event-row > summary") : null;
    const row = summary?.parentElement;
    if (row instanceof HTMLDetailsElement && !row.open) say("datacat:look", placeOf(row));
  });
}

/** The page stays where it is: a reader of the time axis looks at the axis. */
function scrollInTable(row: HTMLElement): void {
  const table = document.getElementById("event-table");
  if (!table || getComputedStyle(table).overflowY !== "auto") return;
  const [outer, inner] = [table.getBoundingClientRect(), row.getBoundingClientRect()];
  const head = table.querySelector(".event-head")?.clientHeight ?? 0;
  if (inner.top < outer.top + head) table.scrollTop += inner.top - outer.top - head;
  else if (inner.bottom > outer.bottom) table.scrollTop += inner.bottom - outer.bottom;
}

/** The newest event of a mark, among the rows that are there. */
function rowOf(mark: Mark): HTMLElement | undefined {
  const which = mark.exceptions ? ".event-row[data-exception]" : ".event-row";
  const rows = document.querySelectorAll<HTMLElement>(which);
  return [...rows].find((row) => placeOf(row) >= mark.begin && placeOf(row) <= mark.end);
}

const placeOf = (row: HTMLElement): number => Number(row.dataset["at"]);

function rowUnder(target: EventTarget | null): HTMLElement | null {
  return target instanceof Element ? target.closest<HTMLElement>(".event-row") : null;
}

function say(what: string, at: number | null): void {
  document.dispatchEvent(new CustomEvent(what, { detail: at }));
}
