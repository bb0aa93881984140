// The sessions that are marked in the list: how many, and what can be done with so many.

import { onPage } from "../shell/page";

export function followChosen(): void {
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
  const words = chosen ? `${chosen} chosen` : "";
  if (count && count.textContent !== words) count.textContent = words;
  for (const button of document.querySelectorAll<HTMLButtonElement>("#chosen .actions button")) {
    button.disabled = chosen < (button.getAttribute("formaction") === "/compare" ? 2 : 1);
  }
}
