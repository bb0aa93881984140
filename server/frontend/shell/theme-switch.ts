// The switch between the system's choice of dark or light, and the reader's own.

import { keep } from "./kept";

const ORDER = ["system", "dark", "light"] as const;

export function offerThemes(): void {
  const button = document.getElementById("theme");
  if (!button) return;
  const root = document.documentElement;
  const say = () => {
    const now = root.dataset["theme"] ?? "system";
    button.textContent = { system: "◐", dark: "●", light: "○" }[now] ?? "";
    const words = { system: "as the system has them", dark: "dark", light: "light" }[now] ?? now;
    button.setAttribute("aria-label", `Colours: ${words}`);
    button.title = `Colours: ${words}`;
  };
  button.hidden = false;
  say();
  button.addEventListener("click", () => {
    const now = ORDER.indexOf((root.dataset["theme"] ?? "system") as (typeof ORDER)[number]);
    const next = ORDER[(now + 1) % ORDER.length];
    if (next === undefined || next === "system") {
      delete root.dataset["theme"];
      keep("datacat-theme", null);
    } else {
      root.dataset["theme"] = next;
      keep("datacat-theme", next);
    }
    say();
    document.dispatchEvent(new Event("datacat:theme"));
  });
}
