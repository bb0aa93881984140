// Says of the bar under the pointer which values it stands for and how many they are.

import { onPage } from "../shell/page";

export function readDistribution(): void {
  document.addEventListener("pointermove", (event) => say(event.target instanceof Element ? event.target : null));
  // The content is another one, and the pointer is where it was.
  onPage(() => say(document.querySelector("[data-says]:hover")));
}

function say(under: Element | null): void {
  const picture = under?.closest("[data-distribution]");
  for (const place of document.querySelectorAll<HTMLElement>("[data-distribution]")) {
    const reading = place.querySelector("output");
    const says = place === picture ? under?.closest<SVGElement>("[data-says]")?.dataset["says"] : undefined;
    if (reading && reading.textContent !== (says ?? "")) reading.textContent = says ?? "";
  }
}
