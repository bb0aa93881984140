/** A place on an axis of days, to the second: `3 d 4:05:06`, `30 d`. */
export function days(seconds: number): string {
  const whole = Math.round(Math.abs(seconds));
  const two = (amount: number) => String(amount).padStart(2, "0");
  const time = `${Math.floor(whole / 3600) % 24}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
  return `${seconds < 0 ? "-" : ""}${Math.floor(whole / 86_400)} d${time === "0:00:00" ? "" : ` ${time}`}`;
}

/** A place on a session's time axis, from seconds: `13:24.118`, `1:02:03.500`. */
export function clock(seconds: number): string {
  if (Math.abs(seconds) >= 86_400) return days(seconds);
  const ticks = Math.round(Math.abs(seconds) * 1000);
  const hours = Math.floor(ticks / 3_600_000);
  const minutes = Math.floor(ticks / 60_000) % 60;
  const rest = ((ticks % 60_000) / 1000).toFixed(3).padStart(6, "0");
  const text = hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
  return seconds < 0 ? `-${text}` : text;
}
