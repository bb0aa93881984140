// Follows the server's stream of changes, says so when it is lost, and finds it again by itself. Where other windows of
// the browser have all the streams it can keep, a page looks again and again instead.

import { place, type Release } from "./places";
import { refresh } from "./page";
import { showTab } from "./tab";

const AT_MOST_EVERY_MS = 1000;
const REST_PER_WORK = 3; // times as long as the page took: one that costs the server much is asked for less often
const LONGEST_REST_MS = 10000;
const AGAIN_MS = 5000; // a page that could not be made is asked for again, and so is one without a stream
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
  private opening = 0;
  private place: Release | null = null;

  constructor(private readonly address: string) {}

  follow(): void {
    // A browser has few connections to one server: a page that nobody sees gives its own back.
    document.addEventListener("visibilitychange", () => (document.hidden ? this.close() : void this.open()));
    addEventListener("pagehide", () => ((this.leaving = true), this.close()));
    addEventListener("pageshow", (event) => {
      this.leaving = false;
      if (event.persisted) void this.open();
    });
    void this.open();
  }

  private async open(): Promise<void> {
    if (document.hidden) return;
    this.close();
    const opening = this.opening;
    const release = await place();
    if (opening !== this.opening) return release?.();
    this.place = release;
    const source = new EventSource(this.address);
    source.addEventListener("ping", () => this.heard());
    // A connection that opened is not heard from yet: only the server's "watching" says that it watches.
    // What changed between the making of this page and that moment is not in the stream.
    source.addEventListener("watching", () => this.place || this.lookAgain());
    for (const kind of ["watching", "change"]) source.addEventListener(kind, (event) => event instanceof MessageEvent && this.change());
    source.addEventListener("error", () => {
      if (source.readyState === EventSource.CLOSED) void this.askWhy();
      this.failed();
    });
    this.source = source;
    this.listen();
  }

  /** This page may not keep its stream: it has heard that the server is there, and comes back. */
  private lookAgain(): void {
    this.close();
    this.retryTimer = setTimeout(() => void this.open(), AGAIN_MS);
  }

  private close(): void {
    this.opening += 1;
    this.place?.();
    this.place = null;
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

  /** The server answered, but not with a stream: where it asks for a key now, it has a page for that. */
  private async askWhy(): Promise<void> {
    const asked = new AbortController();
    try {
      const answer = await fetch(this.address, { signal: asked.signal });
      if (answer.status === 401 && !this.leaving) location.reload();
    } catch {
      // It is away: what follows says so.
    } finally {
      asked.abort();
    }
  }

  private failed(): void {
    if (this.leaving) return;
    this.close();
    this.failures += 1;
    this.lostAt ??= new Date();
    if (this.failures > 1) this.say();
    this.retryTimer = setTimeout(() => void this.open(), this.retry);
    this.retry = Math.min(this.retry * 2, LONGEST_RETRY_MS);
  }

  private say(): void {
    const connection = document.getElementById("connection");
    const banner = document.getElementById("lost");
    if (!connection || !banner) return;
    connection.hidden = false;
    connection.classList.toggle("off", this.lostAt !== null);
    const words = this.lostAt ? "not live" : "live";
    if (connection.textContent !== words) connection.textContent = words;
    banner.hidden = this.lostAt === null;
    document.body.toggleAttribute("data-lost", this.lostAt !== null);
    if (this.lostAt) {
      const text = `The server has not answered since ${this.lostAt.toLocaleTimeString()}; trying again. This page shows what was known then, and goes on by itself when the server is back.`;
      if (banner.textContent !== text) banner.textContent = text;
    }
    showTab();
  }

  private change(): void {
    this.heard();
    if (document.body.hasAttribute("data-again")) {
      setTimeout(() => this.leaving || location.reload(), AGAIN_MS);
      return;
    }
    if (!document.getElementById("page")) return;
    if (this.busy) {
      this.again = true;
      return;
    }
    const wait = Math.max(0, this.due - Date.now());
    this.busy = true;
    setTimeout(async () => {
      const began = Date.now();
      try {
        await refresh();
      } finally {
        const rest = Math.min((Date.now() - began) * REST_PER_WORK, LONGEST_REST_MS);
        this.due = Math.max(began + AT_MOST_EVERY_MS, Date.now() + rest);
        this.busy = false;
      }
      if (this.again) {
        this.again = false;
        this.change();
      }
    }, wait);
  }
}
