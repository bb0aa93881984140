// The sessions that are marked in the list: how many, and what can be done with so many.

import { onPage } from "../shell/page";

export function followChosen(): void {
  forgetDeletion();
  onPage(say);
  document.addEventListener("change", (event) => {
    const box = event.target;
    if (!(box instanceof HTMLInputElement) || !box.closest("#chosen")) return;
    if (box.id === "pick-all") for (const one of boxes()) one.checked = box.checked;
    say();
  });
  document.addEventListener("keydown", (event) => {
    // `x` marks the row that has the focus.
    if (event.key !== "x" || event.ctrlKey || event.metaKey || event.altKey) return;
    const focused = document.activeElement;
    focused?.closest("tr")?.querySelector<HTMLInputElement>(".pick input")?.click();
  });
}

/** What was deleted is said once: the address is that of the list alone, for the next visit and for a colleague. */
function forgetDeletion(): void {
  const url = new URL(location.href);
  if (url.pathname !== "/sessions" || !url.searchParams.has("deleted")) return;
  url.searchParams.delete("deleted");
  history.replaceState(history.state, "", url.pathname + url.search);
}

function boxes(): HTMLInputElement[] {
  return [...document.querySelectorAll<HTMLInputElement>("#chosen .session .pick input")];
}

function say(): void {
  const all = document.getElementById("pick-all");
  if (!(all instanceof HTMLInputElement)) return;
  const every = boxes();
  const chosen = every.filter((box) => box.checked).length;
  all.hidden = false;
  all.checked = chosen > 0 && chosen === every.length;
  all.indeterminate = chosen > 0 && chosen < every.length;
  const count = document.getElementById("chosen-count");
  // All of a page are not all that the filter finds: what stands on other pages is not chosen.
  const found = document.getElementById("chosen")?.dataset["found"] ?? "";
  const others = chosen === every.length && parseInt(found) > chosen;
  const words = chosen ? `${chosen} chosen${others ? `: this page, of ${found} found` : ""}` : "";
  if (count && count.textContent !== words) count.textContent = words;
  for (const button of document.querySelectorAll<HTMLButtonElement>("#chosen .actions button")) {
    button.disabled = chosen < (button.getAttribute("formaction") === "/compare" ? 2 : 1);
  }
}
