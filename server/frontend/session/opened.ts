// Which events are open, and which evidence is shown, stands in the address as `open` and `tab`.

const MOST = 20; // as many as the server opens

export function keepOpened(): void {
  // It does not bubble.
  document.addEventListener("toggle", (event) => changed(event.target), { capture: true });
}

function changed(target: EventTarget | null): void {
  if (!(target instanceof HTMLDetailsElement)) return;
  if (target.matches(".event-row")) {
    const rows = [...document.querySelectorAll<HTMLElement>(".event-row[open]")].slice(0, MOST);
    put("open", rows.map((row) => row.id.replace("event-", "")).join(","));
  } else if (target.open && target.matches(".evidence > .tab")) {
    // The first one is shown without a word.
    put("tab", target.previousElementSibling ? target.id : "");
  }
}

function put(name: string, value: string): void {
  const url = new URL(location.href);
  if ((url.searchParams.get(name) ?? "") === value) return;
  if (value) url.searchParams.set(name, value);
  else url.searchParams.delete(name);
  history.replaceState(history.state, "", url.pathname + url.search + url.hash);
}
