// What of the time axis stands in the page's address: the view as `from` and `to`, the instant looked at as `at`.

import { isWhole, within, type View } from "./view";

export function viewInAddress(seconds: number): View {
  const query = new URLSearchParams(location.search);
  const place = (name: string, otherwise: number) => {
    const text = query.get(name);
    const value = text ? Number(text) : NaN;
    return Number.isFinite(value) ? value : otherwise;
  };
  const [begin, end] = [place("from", 0), place("to", seconds)];
  return end > begin ? within(begin, end, seconds) : { begin: 0, end: seconds };
}

export function momentInAddress(): number | null {
  const text = new URLSearchParams(location.search).get("at");
  const value = text ? Number(text) : NaN;
  return Number.isFinite(value) ? value : null;
}

/** The page's address with another view, and perhaps another instant and other parameters; null takes one away. */
export function addressOf(
  view: View,
  seconds: number,
  at: number | null = momentInAddress(),
  others: Record<string, string | null> = {},
): string {
  const url = new URL(location.href);
  const put = (name: string, value: string | null) =>
    value === null ? url.searchParams.delete(name) : url.searchParams.set(name, value);
  const whole = isWhole(view, seconds);
  put("from", whole ? null : inAddress(view.begin));
  put("to", whole ? null : inAddress(view.end));
  put("at", at === null ? null : inAddress(at));
  for (const [name, value] of Object.entries(others)) put(name, value);
  return url.pathname + url.search + url.hash;
}

/** A place as it stands in addresses: to the microsecond. */
export const inAddress = (place: number): string => String(Number(place.toFixed(6)));
