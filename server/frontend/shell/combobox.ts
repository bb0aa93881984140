// The search line completes the names of fields and their values: a combobox over what the server offers at the caret.
// A field with an address of its own (`data-completes`) chooses one of what is offered there, and then sends its form.

interface Option {
  text: string;
  shown: string;
  hint: string;
  goes_on: boolean;
}

interface Completion {
  begin: number;
  end: number;
  options: Option[];
}

const WAIT_MS = 80;

export function completeSearches(): void {
  for (const field of document.querySelectorAll<HTMLInputElement>(".find input[name=search], .find input[data-completes]")) new Combobox(field);
}

class Combobox {
  private readonly list = document.createElement("ul");
  private found: Completion = { begin: 0, end: 0, options: [] };
  private at = -1;
  private timer = 0;
  private asked = 0;
  private readonly source: string | undefined;

  constructor(private readonly field: HTMLInputElement) {
    this.source = field.dataset["completes"];
    this.list.id = `${field.id}-options`;
    this.list.className = "options";
    this.list.setAttribute("role", "listbox");
    this.list.setAttribute("aria-label", "What may stand here");
    this.list.hidden = true;
    field.after(this.list);
    field.setAttribute("role", "combobox");
    field.setAttribute("aria-autocomplete", "list");
    field.setAttribute("aria-controls", this.list.id);
    field.setAttribute("aria-expanded", "false");
    field.addEventListener("input", () => this.ask());
    field.addEventListener("focus", () => (this.source && field.select(), this.ask()));
    field.addEventListener("blur", () => this.close());
    field.addEventListener("keydown", (event) => this.press(event));
    // The field keeps the focus while the pointer chooses.
    this.list.addEventListener("pointerdown", (event) => event.preventDefault());
    this.list.addEventListener("click", (event) => {
      const item = event.target instanceof Element ? event.target.closest("li") : null;
      if (item) this.take([...this.list.children].indexOf(item));
    });
  }

  private ask(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.fetch(), WAIT_MS);
  }

  private async fetch(): Promise<void> {
    const number = ++this.asked;
    const line = this.field.value;
    // The server counts characters, the field units of UTF-16.
    const caret = Array.from(line.slice(0, this.field.selectionStart ?? line.length)).length;
    const query = new URLSearchParams({ line, caret: String(caret) });
    try {
      const answer = await fetch(`${this.source ?? "/complete"}?${query}`, { headers: { Accept: "application/json" } });
      if (!answer.ok || number !== this.asked || document.activeElement !== this.field) return;
      this.open((await answer.json()) as Completion);
    } catch {
      this.close();
    }
  }

  private open(found: Completion): void {
    const typed = Array.from(this.field.value).slice(found.begin, found.end).join("");
    const settled = !this.source && found.options.some((option) => option.text === typed && !option.goes_on);
    // An answer that is late does not take away what the reader has moved to meanwhile.
    const marked = this.found.options[this.at]?.text;
    this.found = settled ? { ...found, options: [] } : found;
    this.list.replaceChildren(...this.found.options.map((option, place) => this.item(option, place)));
    this.mark(this.found.options.findIndex((option) => option.text === marked));
    this.list.hidden = this.found.options.length === 0;
    this.field.setAttribute("aria-expanded", String(!this.list.hidden));
  }

  private item(option: Option, place: number): HTMLElement {
    const item = document.createElement("li");
    item.id = `${this.list.id}-${place}`;
    item.setAttribute("role", "option");
    const name = document.createElement("bdi");
    name.textContent = option.shown;
    item.append(name);
    if (option.hint) {
      const hint = document.createElement("span");
      hint.textContent = option.hint;
      item.append(hint);
    }
    return item;
  }

  private close(): void {
    clearTimeout(this.timer);
    this.asked += 1;
    this.list.hidden = true;
    this.field.setAttribute("aria-expanded", "false");
    this.mark(-1);
  }

  private mark(place: number): void {
    this.at = place;
    [...this.list.children].forEach((item, other) => item.setAttribute("aria-selected", String(other === place)));
    const item = this.list.children[place];
    if (item) this.field.setAttribute("aria-activedescendant", item.id);
    else this.field.removeAttribute("aria-activedescendant");
    item?.scrollIntoView({ block: "nearest" });
  }

  private press(event: KeyboardEvent): void {
    if (event.isComposing) return;
    const count = this.found.options.length;
    const open = !this.list.hidden;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!open) return this.ask();
      const by = event.key === "ArrowDown" ? 1 : -1;
      // One more place than there are options: the line as it was typed.
      this.mark(((this.at + 1 + by + count + 1) % (count + 1)) - 1);
    } else if (event.key === "Escape") {
      if (!open) return this.field.blur();
      event.preventDefault();
      this.close();
    } else if (open && this.at >= 0 && (event.key === "Enter" || event.key === "Tab")) {
      event.preventDefault();
      this.take(this.at);
    }
  }

  private take(place: number): void {
    const option = this.found.options[place];
    if (!option) return;
    if (this.source) {
      this.field.value = option.text;
      this.close();
      this.field.form?.requestSubmit();
      return;
    }
    const characters = Array.from(this.field.value);
    const before = characters.slice(0, this.found.begin).join("") + option.text + (option.goes_on ? "" : " ");
    const after = characters.slice(this.found.end).join("");
    this.field.value = before + (option.goes_on ? after : after.trimStart());
    this.field.setSelectionRange(before.length, before.length);
    this.close();
    this.ask();
  }
}
