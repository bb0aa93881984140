// The part of the time axis that is seen, in seconds from the axis' start, and how it is zoomed and moved.

export interface View {
  readonly begin: number;
  readonly end: number;
}

const SHORTEST = 0.001;
const STEPS = [
  1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200,
  10800, 21600, 43200, 86400, 172800, 604800, 2592000, 7776000, 31536000,
];

export const lengthOf = (view: View): number => view.end - view.begin;

export const isWhole = (view: View, seconds: number): boolean => view.begin <= 0 && view.end >= seconds;

/** The view from `begin` to `end`, moved and cut so that it lies on an axis of so many seconds. */
export function within(begin: number, end: number, seconds: number): View {
  const length = Math.min(seconds, Math.max(Math.min(SHORTEST, seconds), end - begin));
  const first = Math.max(0, Math.min(begin, seconds - length));
  return { begin: first, end: Math.min(seconds, first + length) };
}

/** `around` stays where it is on the screen. */
export function zoomed(view: View, factor: number, around: number, seconds: number): View {
  const length = Math.min(seconds, Math.max(SHORTEST, lengthOf(view) * factor));
  const share = (around - view.begin) / (lengthOf(view) || 1);
  const begin = around - share * length;
  return within(begin, begin + length, seconds);
}

export function panned(view: View, by: number, seconds: number): View {
  return within(view.begin + by, view.end + by, seconds);
}

/** Round instants of a view, at most so many, and how many digits of a second tell them apart. */
export function ticks(view: View, most: number): { places: number[]; digits: number } {
  const least = lengthOf(view) / Math.max(1, most);
  const step = STEPS.find((one) => one >= least) ?? least;
  const places: number[] = [];
  for (let place = Math.ceil(view.begin / step - 1e-9); place * step <= view.end; place += 1) places.push(place * step);
  return { places, digits: step < 1 ? Math.max(0, -Math.floor(Math.log10(step))) : 0 };
}
