/** Buttons that copy the text of another element. */
export function offerCopying(): void {
  for (const button of document.querySelectorAll<HTMLButtonElement>("button[data-copy]")) {
    if (!button.hidden) continue;
    button.hidden = false;
    button.addEventListener("click", async () => {
      const source = document.getElementById(button.dataset["copy"] ?? "");
      if (!source) return;
      const done = await copy(source);
      button.textContent = done ? "Copied" : "Press Ctrl C";
      setTimeout(() => (button.textContent = "Copy"), 2000);
    });
  }
}

/** Whether the text is in the clipboard now; else it is selected, for the reader to copy. */
async function copy(source: HTMLElement): Promise<boolean> {
  // Browsers offer the clipboard on pages of https and of this machine only.
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(source.textContent ?? "");
    return true;
  }
  getSelection()?.selectAllChildren(source);
  return document.execCommand("copy");
}
