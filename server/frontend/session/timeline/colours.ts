// The theme's colours as the canvas needs them: worked out by the browser, for the theme that is on.

export interface Colours {
  text: string;
  muted: string;
  grid: string;
  accent: string;
  active: string;
  hung: string;
  crashed: string;
  suspended: string;
  ended: string;
  onPhase: string;
  background: string;
}

const VARIABLES: Record<keyof Colours, string> = {
  text: "var(--text)",
  muted: "var(--muted)",
  grid: "var(--grid)",
  accent: "var(--accent)",
  active: "var(--active)",
  hung: "var(--hung)",
  crashed: "var(--crashed)",
  suspended: "var(--suspended)",
  ended: "var(--ended)",
  onPhase: "light-dark(#fff, #14181e)",
  background: "var(--bg)",
};

export function coloursAt(place: HTMLElement): Colours {
  const probe = document.createElement("i");
  place.append(probe);
  const found = {} as Colours;
  for (const name of Object.keys(VARIABLES) as (keyof Colours)[]) {
    probe.style.color = VARIABLES[name];
    found[name] = getComputedStyle(probe).color;
  }
  probe.remove();
  return found;
}
