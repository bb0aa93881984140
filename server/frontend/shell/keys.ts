// The keyboard: `/` searches, `j` and `k` move over rows, `g` and a letter leads to a page, `?` lists the keys.

const LEAD_MS = 1500;

export function offerKeys(): void {
  const dialog = document.getElementById("keys");
  const button = document.getElementById("show-keys");
  let leadUntil = 0;
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (isTyping(event.target) || document.querySelector("dialog[open]")) return;
    const led = Date.now() < leadUntil;
    leadUntil = 0;
    if (led && goTo(event.key)) return event.preventDefault();
    switch (event.key) {
      case "/":
        if (search()) event.preventDefault();
        return;
      case "j":
        return step(1);
      case "k":
        return step(-1);
      case "g":
        leadUntil = Date.now() + LEAD_MS;
        return;
      case "?":
        return show(dialog);
    }
  });
  if (!button) return;
  button.hidden = false;
  button.addEventListener("click", () => show(dialog));
}

/** Whether keys that are pressed there are text. */
export function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || target.matches("input:not([type=checkbox]), select, textarea"));
}

function show(dialog: HTMLElement | null): void {
  if (!(dialog instanceof HTMLDialogElement)) return;
  for (const line of dialog.querySelectorAll<HTMLElement>("[data-needs]")) {
    line.hidden = document.querySelector(line.dataset["needs"] ?? "") === null;
  }
  dialog.showModal();
}

function search(): boolean {
  const field = document.getElementById("search");
  if (!(field instanceof HTMLInputElement)) return false;
  field.focus();
  field.setSelectionRange(field.value.length, field.value.length);
  return true;
}

function goTo(letter: string): boolean {
  const link = document.querySelector<HTMLAnchorElement>(`header a[data-key="${CSS.escape(letter)}"]`);
  link?.click();
  return link !== null;
}

/** Move the focus to the next or the previous row: rows have a link, or are a summary, of the class `row`. */
function step(by: number): void {
  const links = [...document.querySelectorAll<HTMLElement>("main :is(a, summary).row")].filter((link) => link.offsetParent !== null);
  const here = document.activeElement?.closest("tr, li, :is(a, summary).row");
  const at = links.findIndex((link) => here?.contains(link));
  const next = links[at < 0 ? (by > 0 ? 0 : links.length - 1) : at + by];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}
