// Says of the bar under the pointer which values it stands for and how many they are.

export function readDistribution(): void {
  document.addEventListener("pointermove", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    const picture = target?.closest("[data-distribution]");
    for (const place of document.querySelectorAll<HTMLElement>("[data-distribution]")) {
      const reading = place.querySelector("output");
      const says = place === picture ? target?.closest<SVGElement>("[data-says]")?.dataset["says"] : undefined;
      if (reading && reading.textContent !== (says ?? "")) reading.textContent = says ?? "";
    }
  });
}
