// Brings the page up to date in place: what is open stays open, and nothing moves under the reader.

import htmx from "htmx.org";
import { Idiomorph } from "idiomorph/htmx";
import { updateChart } from "./charts";

const listeners: (() => void)[] = [];
/** Fields that the reader has changed, of what is shown. */
let touched = new WeakSet<Node>();
let shown = location.pathname + location.search;

for (const kind of ["input", "change"]) {
  document.addEventListener(kind, (event) => event.target instanceof Node && touched.add(event.target));
}

/** Call `listener` now, and again whenever the content of the page was brought up to date. */
export function onPage(listener: () => void): void {
  listeners.push(listener);
  listener();
}

Idiomorph.defaults.callbacks = {
  ...Idiomorph.defaults.callbacks,
  // Which details are open, which boxes are checked and what is typed is the reader's, the server does not know it.
  beforeAttributeUpdated: (name: string, node: Element) =>
    !(
      name === "checked" ||
      (name === "value" && touched.has(node)) ||
      (name === "selected" && node.parentNode !== null && touched.has(node.parentNode)) ||
      (name === "open" && node instanceof HTMLDetailsElement) ||
      (name === "hidden" && node.matches(".copy, .cursor"))
    ),
  beforeNodeMorphed: (old: Node, fresh: Node) => {
    if (old instanceof HTMLElement && fresh instanceof HTMLElement && isOwn(old, fresh)) return false;
    if (old instanceof HTMLElement && fresh instanceof HTMLElement && old.matches(".chart")) {
      return !updateChart(old, fresh);
    }
    return true;
  },
};

/** Whether an element is a script's own, so that it stays as it is; of a query, until another one is asked. */
function isOwn(old: HTMLElement, fresh: HTMLElement): boolean {
  if (old.dataset["own"] === undefined || old.dataset["own"] !== (fresh.dataset["query"] ?? "")) return false;
  // Its owner sees what the server has now, and may take of it what it wants, or give the element up.
  old.dispatchEvent(new CustomEvent("datacat:fresh", { detail: fresh, bubbles: true }));
  return old.dataset["own"] !== undefined;
}

/** Fetch an address of this page and put its content in the place of what is shown. Rejects without an answer. */
export async function show(address: string): Promise<void> {
  // Another view has fields of its own.
  if (address !== shown) touched = new WeakSet();
  shown = address;
  const content = { target: "#page", select: "#page", selectOOB: "#running:morph", swap: "morph show:none" };
  await htmx.ajax("get", address, content as never);
  for (const listener of listeners) listener();
}

/** Fetch what is shown again. Where the server does not answer, what is shown stays. */
export async function refresh(): Promise<void> {
  try {
    await show(location.pathname + location.search);
  } catch {
    // Whoever follows the server says that it is away.
  }
}

// The session was deleted, or the key is no longer right: the server has a page that says so.
document.addEventListener("htmx:responseError", (event) => {
  const status = (event as CustomEvent<{ xhr: XMLHttpRequest }>).detail.xhr.status;
  if (status === 401 || status === 404) location.reload();
});
