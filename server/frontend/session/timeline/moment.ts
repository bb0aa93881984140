// The state at the cursor: asked for when the cursor rests, and shown beside the axis.

import { Idiomorph } from "idiomorph/htmx";
import { sayTimes } from "../../shell/zone";

const REST_MS = 70;

export class Moment {
  private timer = 0;
  private running: AbortController | null = null;
  private shown: number | null = null;

  /** Show the state at an instant; null: what the address says again. */
  look(at: number | null): void {
    clearTimeout(this.timer);
    if (at === null && this.shown === null) return;
    this.shown = at;
    const section = document.getElementById("state");
    // What the cursor shows is not to be replaced while the page is brought up to date.
    if (section && at !== null) section.dataset["own"] = "";
    this.timer = setTimeout(() => void this.ask(at), REST_MS);
  }

  /** What the address says is shown from now on, until the cursor moves. */
  release(): void {
    clearTimeout(this.timer);
    this.running?.abort();
    this.shown = null;
    delete document.getElementById("state")?.dataset["own"];
  }

  private async ask(at: number | null): Promise<void> {
    this.running?.abort();
    const control = (this.running = new AbortController());
    const url = new URL(location.href);
    url.pathname += "/state";
    if (at !== null) url.searchParams.set("at", at.toFixed(6));
    try {
      const answer = await fetch(url, { signal: control.signal, headers: { Accept: "text/html" } });
      const html = answer.ok ? await answer.text() : "";
      const section = document.getElementById("state");
      if (!html || !section || this.shown !== at) return;
      delete section.dataset["own"];
      Idiomorph.morph(section, html, { morphStyle: "outerHTML" });
      const fresh = document.getElementById("state");
      if (fresh) sayTimes(fresh);
      if (fresh && at !== null) fresh.dataset["own"] = "";
    } catch {
      // Stale, or the server is away.
    }
  }
}
