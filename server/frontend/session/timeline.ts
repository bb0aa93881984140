// The line under the pointer on the time axis: it says the time, and a click shows the state at that time.

import { clock } from "../shell/clock";
import { goTo } from "../shell/navigate";

export function followPointer(): void {
  document.addEventListener("pointermove", (event) => {
    const place = placeOf(event);
    const line = document.querySelector<HTMLElement>("#timeline .cursor");
    if (!line) return;
    line.hidden = place === null;
    if (place === null) return;
    line.style.left = `${place.left}px`;
    line.classList.toggle("flipped", place.share > 0.85);
    const label = line.querySelector("output");
    if (label) label.textContent = clock(place.seconds);
  });
  document.addEventListener("click", (event) => {
    const place = placeOf(event);
    if (place === null || (event.target instanceof Element && event.target.closest("a"))) return;
    const url = new URL(location.href);
    url.searchParams.set("at", place.seconds.toFixed(6));
    goTo(url.href);
  });
}

interface Place {
  left: number;
  share: number;
  seconds: number;
}

/** Where on the axis an event of the pointer is, null outside it. */
function placeOf(event: MouseEvent): Place | null {
  const lanes = event.target instanceof Element ? event.target.closest<HTMLElement>("#timeline .lanes") : null;
  const axis = lanes?.querySelector(".ticks svg")?.getBoundingClientRect();
  const seconds = Number(lanes?.closest<HTMLElement>("#timeline")?.dataset["seconds"]);
  if (!lanes || !axis || !seconds) return null;
  const share = (event.clientX - axis.left) / axis.width;
  if (share < 0 || share > 1) return null;
  return { left: event.clientX - lanes.getBoundingClientRect().left, share, seconds: share * seconds };
}
