// Instants and lengths of time in words, as the server says them.

import { days } from "../../shell/clock";

/** A place on the axis to so many digits of a second: `13:24`, `0:07.25`. */
export function place(seconds: number, digits: number): string {
  if (Math.abs(seconds) >= 86_400) return days(seconds);
  const ticks = Math.round(Math.abs(seconds) * 10 ** digits);
  const whole = Math.floor(ticks / 10 ** digits);
  const fraction = digits ? `.${String(ticks % 10 ** digits).padStart(digits, "0")}` : "";
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60) % 60;
  const two = (amount: number) => String(amount).padStart(2, "0");
  const clock = hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
  return `${seconds < 0 ? "-" : ""}${clock}${fraction}`;
}

/** A length of time, its two largest units. */
export function duration(seconds: number): string {
  if (seconds < 0.1) return seconds >= 5e-5 ? `${Number((seconds * 1000).toPrecision(2))} ms` : "0 s";
  if (seconds < 10) return `${Number(seconds.toPrecision(2))} s`;
  const whole = Math.round(seconds);
  const units: [number, string][] = [
    [Math.floor(whole / 86400), "d"],
    [Math.floor(whole / 3600) % 24, "h"],
    [Math.floor(whole / 60) % 60, "min"],
    [whole % 60, "s"],
  ];
  const first = units.findIndex(([amount]) => amount > 0);
  const two = units.slice(first, first + 2).filter(([amount]) => amount > 0);
  return two.map(([amount, unit]) => `${amount} ${unit}`).join(" ");
}

export const count = (amount: number, noun: string): string =>
  `${amount.toLocaleString("en")} ${noun}${amount === 1 ? "" : "s"}`;
