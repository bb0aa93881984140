// Follows the server's stream of changes, says so when it is lost, and finds it again by itself.

import { refresh } from "./page";

const AT_MOST_EVERY_MS = 1000;
const SILENT_MS = 16000; // the server says something every 5 seconds
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 5000;

export function followServer(): void {
  const address = document.body.dataset["live"];
  if (address) new Follower(address).follow();
}

class Follower {
  private source: EventSource | null = null;
  private retry = FIRST_RETRY_MS;
  private failures = 0;
  private lostAt: Date | null = null;
  private silence = 0;
  private retryTimer = 0;
  private due = 0;
  private busy = false;
  private again = false;
  private leaving = false;

  constructor(private readonly address: string) {}

  follow(): void {
    // A browser has few connections to one server: a page that nobody sees gives its own back.
    document.addEventListener("visibilitychange", () => (document.hidden ? this.close() : this.open()));
    addEventListener("pagehide", () => ((this.leaving = true), this.close()));
    addEventListener("pageshow", (event) => {
      this.leaving = false;
      if (event.persisted) this.open();
    });
    this.open();
  }

  private open(): void {
    if (document.hidden) return;
    this.close();
    const source = new EventSource(this.address);
    source.addEventListener("ping", () => this.heard());
    // A connection that opened is not heard from yet: only the server's own "open" says that it watches.
    // What changed between the making of this page and that moment is not in the stream.
    for (const kind of ["open", "change"]) source.addEventListener(kind, (event) => event instanceof MessageEvent && this.change());
    source.addEventListener("error", () => this.failed());
    this.source = source;
    this.listen();
  }

  private close(): void {
    clearTimeout(this.silence);
    clearTimeout(this.retryTimer);
    this.source?.close();
    this.source = null;
  }

  private listen(): void {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => this.failed(), SILENT_MS);
  }

  private heard(): void {
    this.retry = FIRST_RETRY_MS;
    this.failures = 0;
    this.lostAt = null;
    this.say();
    this.listen();
  }

  private failed(): void {
    if (this.leaving) return;
    this.close();
    this.failures += 1;
    this.lostAt ??= new Date();
    if (this.failures > 1) this.say();
    this.retryTimer = setTimeout(() => this.open(), this.retry);
    this.retry = Math.min(this.retry * 2, LONGEST_RETRY_MS);
  }

  private say(): void {
    const connection = document.getElementById("connection");
    const banner = document.getElementById("lost");
    if (!connection || !banner) return;
    connection.hidden = false;
    connection.classList.toggle("off", this.lostAt !== null);
    connection.textContent = this.lostAt ? "not live" : "live";
    banner.hidden = this.lostAt === null;
    if (this.lostAt) {
      banner.textContent = `The server has not answered since ${this.lostAt.toLocaleTimeString()}. This page shows what was known then, and goes on by itself when the server is back.`;
    }
  }

  private change(): void {
    this.heard();
    if (this.busy) {
      this.again = true;
      return;
    }
    const wait = Math.max(0, this.due - Date.now());
    this.busy = true;
    setTimeout(async () => {
      this.due = Date.now() + AT_MOST_EVERY_MS;
      try {
        await refresh();
      } finally {
        this.busy = false;
      }
      if (this.again) {
        this.again = false;
        this.change();
      }
    }, wait);
  }
}
