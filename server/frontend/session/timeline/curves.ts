// Draws the course of a metric: a line through its readings, or through the means of many between the least and the greatest.

import type { Curve, Picture } from "./data";
import type { Context, Scene } from "./draw";
import type { Box } from "./lanes";
import { endOf } from "./pictures";

const MARGIN = 3;

/** The curve of a metric: the near one where it reaches over the view, else that of the whole, while there is one. */
export function curveOf(scene: Scene, key: string): Curve | undefined {
  const { near, whole, view } = scene;
  const of = (picture: Picture | null) => picture?.lanes.find((one) => one.key === key);
  const covers = near !== null && near.begin <= view.begin && endOf(near) >= Math.min(view.end, near.seconds);
  return covers ? (of(near) ?? of(whole)) : (of(whole) ?? of(near));
}

export function drawCurve(context: Context, scene: Scene, box: Box, x: (at: number) => number): void {
  const curve = curveOf(scene, box.key);
  if (!curve) return;
  const y = heightOf(curve, box);
  context.strokeStyle = context.fillStyle = scene.colours.accent;
  context.lineWidth = 1.5;
  context.lineJoin = "round";
  if (curve.lows.length) drawSpread(context, curve, x, y);
  context.beginPath();
  let open = false;
  curve.times.forEach((time, index) => {
    const value = curve.values[index];
    if (value === null || value === undefined) {
      open = false;
      return;
    }
    const alone = !open && (curve.values[index + 1] ?? null) === null;
    if (!open) context.moveTo(x(time) - (alone ? 0.75 : 0), y(value));
    else if (curve.steps) context.lineTo(x(time), y(curve.values[index - 1] ?? value));
    context.lineTo(x(time) + (alone ? 0.75 : 0), y(value));
    open = true;
  });
  const last = curve.values.at(-1);
  if (curve.steps && typeof last === "number") context.lineTo(x(scene.seconds), y(last));
  context.stroke();
}

/** Fills what lies between the least and the greatest, run by run. */
function drawSpread(context: Context, curve: Curve, x: (at: number) => number, y: (value: number) => number): void {
  context.globalAlpha = 0.22;
  let begin = 0;
  for (let end = 0; end <= curve.times.length; end += 1) {
    if (end < curve.times.length && (curve.lows[end] ?? null) !== null) continue;
    if (end > begin) {
      context.beginPath();
      for (let at = begin; at < end; at += 1) context.lineTo(x(curve.times[at] ?? 0), y(curve.highs[at] ?? 0) - 0.5);
      for (let at = end - 1; at >= begin; at -= 1) context.lineTo(x(curve.times[at] ?? 0), y(curve.lows[at] ?? 0) + 0.5);
      context.fill();
    }
    begin = end + 1;
  }
  context.globalAlpha = 1;
}

export function heightOf(curve: Curve, box: Box): (value: number) => number {
  // Halved first: their difference may be larger than any number.
  const range = curve.high / 2 - curve.low / 2;
  return (value) => {
    const share = range > 0 ? (value / 2 - curve.low / 2) / range : 0.5;
    return box.top + box.height - MARGIN - share * (box.height - 2 * MARGIN);
  };
}
