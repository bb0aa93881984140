// Links that show another part of the same page: the page is brought to it in place, and the address says what it shows.

import { refresh, show } from "./page";

export function keepPlaceOnLinks(): void {
  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (!link || !link.matches("[data-keep], .lane a, .turns a")) return;
    const href = link.getAttribute("href");
    if (!href) return;
    event.preventDefault();
    goTo(href, link.getAttribute("rel") === "next");
  });
  addEventListener("popstate", () => void refresh());
}

/** Show an address of this page; `events` scrolls to the table of events. */
export function goTo(href: string, events = false): void {
  const url = new URL(href, location.href);
  history.pushState(null, "", url.pathname + url.search);
  show(url.pathname + url.search).then(
    () => events && document.getElementById("events")?.scrollIntoView(),
    () => location.reload(),
  );
}
