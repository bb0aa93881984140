// The rows of events and the time axis show one another: where a row happened, and what happened where.

interface Mark {
  begin: number;
  end: number;
  exceptions: boolean;
}

const TWICE_MS = 400;

export function meetTimeline(): void {
  document.addEventListener("datacat:reveal", (event) => {
    const row = rowOf((event as CustomEvent<Mark>).detail);
    if (!row) return;
    event.preventDefault();
    for (const other of document.querySelectorAll(".event-row.here")) other.classList.remove("here");
    row.classList.add("here");
    // Not before it is known to be one click: a page that moves under the pointer has no second one in this place.
    setTimeout(() => row.classList.contains("here") && row.scrollIntoView({ block: "nearest" }), TWICE_MS);
  });
  document.addEventListener("pointerover", (event) => {
    if (event.pointerType !== "mouse") return;
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
