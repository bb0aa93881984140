// The icon of the tab says what the page says: that something crashed or hangs, or that the server is away.

import { onPage } from "./page";

export function keepTabRight(): void {
  onPage(showTab);
}

export function showTab(): void {
  const icon = document.getElementById("icon");
  if (!(icon instanceof HTMLLinkElement)) return;
  const state = document.body.hasAttribute("data-lost") ? "lost" : document.getElementById("page")?.dataset["tab"];
  const address = `/static/icon${state ? `-${state}` : ""}.svg`;
  if (icon.getAttribute("href") !== address) icon.setAttribute("href", address);
}
