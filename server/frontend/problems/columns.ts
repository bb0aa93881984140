// Charts drawn by the server as columns: what a column stands for is told under the pointer, at once and in full.

/** Tell, beside the pointer, what the column under it stands for; without a script its title does, after a while. */
export function readOffColumns(): void {
  const reading = document.createElement("output");
  reading.setAttribute("aria-hidden", "true"); // the figures are in a table, too
  document.addEventListener("pointermove", (event) => tell(event, reading));
  document.addEventListener("pointerleave", () => reading.remove());
}

function tell(event: PointerEvent, reading: HTMLElement): void {
  const column = event.target instanceof Element ? event.target.closest(".columns .column") : null;
  const place = column?.closest<HTMLElement>(".read-off");
  if (!column || !place) return reading.remove();
  const said = words(column);
  if (!said) return reading.remove();
  if (reading.textContent !== said) reading.textContent = said;
  if (reading.parentElement !== place) place.append(reading);
  const box = place.getBoundingClientRect();
  const left = Math.min(Math.max(0, event.clientX - box.left - reading.offsetWidth / 2), box.width - reading.offsetWidth);
  reading.style.left = `${Math.max(0, left)}px`;
}

/** The title of a column, kept where the browser does not show it a second time. */
function words(column: Element): string {
  const title = column.querySelector("title");
  if (title) {
    column.setAttribute("data-said", title.textContent ?? "");
    title.remove();
  }
  return column.getAttribute("data-said") ?? "";
}
