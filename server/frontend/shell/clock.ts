/** A place on a session's time axis, from seconds: `13:24.118`, `1:02:03.500`. */
export function clock(seconds: number): string {
  const ticks = Math.round(Math.abs(seconds) * 1000);
  const hours = Math.floor(ticks / 3_600_000);
  const minutes = Math.floor(ticks / 60_000) % 60;
  const rest = ((ticks % 60_000) / 1000).toFixed(3).padStart(6, "0");
  const text = hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
  return seconds < 0 ? `-${text}` : text;
}
