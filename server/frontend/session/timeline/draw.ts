// Draws the lanes of a view on a canvas, as the server would have.

import type { Colours } from "./colours";
import { drawCurve } from "./curves";
import type { Phase, Picture } from "./data";
import type { Box, Layout } from "./lanes";
import { buckets, picturesOf, weights, type Part } from "./pictures";
import { lengthOf, ticks, type View } from "./view";
import { duration, place } from "./words";

export interface Scene {
  layout: Layout;
  view: View;
  seconds: number;
  ended: string;
  whole: Picture | null;
  near: Picture | null;
  cursor: number | null;
  pin: number | null;
  selection: [number, number] | null;
  colours: Colours;
  font: string;
}

const PIXELS_A_TICK = 70;
const MOST_TICKS = 8; // as many as the server draws
const LABELS_APART = 8;
const APART = 5; // pixels: marks that are nearer are one
const MARK = 3.2;
const NARROWEST = 2.5; // pixels

export type Context = CanvasRenderingContext2D;

export function draw(context: Context, scene: Scene): void {
  const { layout, view } = scene;
  const x = (at: number) => layout.left + ((at - view.begin) / lengthOf(view)) * layout.plot;
  context.clearRect(0, 0, layout.width, layout.height);
  context.font = scene.font;
  const marks = ticks(view, Math.min(MOST_TICKS, layout.plot / PIXELS_A_TICK));
  drawTicks(context, scene, marks.places, marks.digits, x);
  context.save();
  context.beginPath();
  context.rect(layout.left, 0, layout.plot, layout.height);
  context.clip();
  drawGrid(context, scene, marks.places, x);
  const pictures = picturesOf(scene.near, scene.whole, view);
  for (const box of layout.boxes) {
    if (box.kind === "lifecycle") drawPhases(context, scene, box, x);
    else if (box.kind === "events") drawEvents(context, scene, box, x, pictures);
    else if (box.kind === "exceptions") drawMarks(context, scene, box, x, pictures, "exceptions");
    else if (box.kind === "state") drawMarks(context, scene, box, x, pictures, "state_changes");
    else if (box.kind === "metric") drawCurve(context, scene, box, x);
  }
  drawSelection(context, scene, x);
  context.restore();
  drawEnd(context, scene, x);
}

function drawTicks(context: Context, scene: Scene, places: number[], digits: number, x: (at: number) => number): void {
  const box = scene.layout.boxes.find((one) => one.kind === "ticks");
  if (!box) return;
  const right = scene.layout.left + scene.layout.plot;
  context.fillStyle = scene.colours.muted;
  let free = -Infinity;
  for (const at of places) {
    const label = place(at, digits);
    const width = context.measureText(label).width;
    const left = Math.min(x(at), right - width);
    // Long ones, of days, may not have the room: those that would touch the one before are left out.
    if (left < free) continue;
    context.fillText(label, left, box.top + 13);
    free = left + width + LABELS_APART;
  }
}

function drawGrid(context: Context, scene: Scene, places: number[], x: (at: number) => number): void {
  context.strokeStyle = scene.colours.grid;
  context.lineWidth = 1;
  context.beginPath();
  for (const box of scene.layout.boxes) {
    if (box.kind === "ticks") continue;
    for (const place of places) {
      const at = Math.round(x(place)) + 0.5;
      context.moveTo(at, box.top);
      context.lineTo(at, box.top + box.height);
    }
  }
  context.stroke();
}

function drawPhases(context: Context, scene: Scene, box: Box, x: (at: number) => number): void {
  const { colours, view } = scene;
  const colour: Record<string, string> = { active: colours.active, hung: colours.hung, suspended: colours.suspended };
  const known = (scene.near ?? scene.whole)?.phases ?? [];
  for (const phase of known) {
    if (phase.end < view.begin || phase.begin > view.end) continue;
    const left = Math.max(x(phase.begin), scene.layout.left - 2);
    const width = Math.max(1.5, Math.min(x(phase.end), scene.layout.left + scene.layout.plot + 2) - left);
    context.globalAlpha = phase.status === "active" ? 0.35 : 0.85;
    context.fillStyle = colour[phase.status] ?? colours.ended;
    context.beginPath();
    context.roundRect(left, box.top + 3, width, 16, 2);
    context.fill();
    context.globalAlpha = 1;
    if (phase.status !== "active") drawLabel(context, scene, box, phase, left, width);
  }
}

/** What a stretch is, and for how long, as far as there is room. */
function drawLabel(context: Context, scene: Scene, box: Box, phase: Phase, left: number, width: number): void {
  context.save();
  context.font = `600 ${scene.font}`;
  context.fillStyle = scene.colours.onPhase;
  const whole = `${phase.status} ${duration(phase.end - phase.begin)}`;
  const label = [whole, phase.status].find((words) => context.measureText(words).width < width - 10);
  if (label) context.fillText(label, left + 6, box.top + 15);
  context.restore();
}

function drawEnd(context: Context, scene: Scene, x: (at: number) => number): void {
  const box = scene.layout.boxes.find((one) => one.kind === "lifecycle");
  if (!box || !scene.ended || scene.view.end < scene.seconds) return;
  const at = x(scene.seconds);
  context.strokeStyle = scene.ended === "crashed" ? scene.colours.crashed : scene.colours.ended;
  context.lineWidth = 2.5;
  context.beginPath();
  if (scene.ended === "crashed") {
    context.moveTo(at - 10, box.top + 6);
    context.lineTo(at - 2, box.top + 16);
    context.moveTo(at - 2, box.top + 6);
    context.lineTo(at - 10, box.top + 16);
  } else {
    context.moveTo(at - 1.5, box.top + 2);
    context.lineTo(at - 1.5, box.top + 20);
  }
  context.stroke();
}

function drawEvents(context: Context, scene: Scene, box: Box, x: (at: number) => number, parts: Part[]): void {
  // Buckets of the two pictures are of different lengths: bars are as tall as what happened in a second.
  let most = 0;
  for (const part of parts) {
    buckets(part, scene.view, (place) => {
      const [plain, warning, error] = weights(part.picture, place);
      most = Math.max(most, (plain + warning + error) / part.picture.step);
    });
  }
  if (!most) return;
  const { colours } = scene;
  const styles = [colours.accent, colours.hung, colours.crashed];
  for (const part of parts) {
    const width = Math.max(1, x(part.picture.step) - x(0));
    const right = scene.layout.left + scene.layout.plot;
    buckets(part, scene.view, (place, begin) => {
      let bottom = box.top + box.height;
      weights(part.picture, place).forEach((amount, weight) => {
        if (!amount) return;
        // One error among thousands of events must still be seen.
        const tall = Math.max(2.5, (amount / part.picture.step / most) * (box.height - 6));
        bottom -= tall;
        context.globalAlpha = weight === 0 ? 0.6 : 1;
        context.fillStyle = styles[weight] ?? "";
        // The last one may begin just before the end.
        context.fillRect(Math.min(x(begin), right - NARROWEST), bottom, width > 3 ? width * 0.8 : width, tall);
      });
    });
  }
  context.globalAlpha = 1;
}

function drawMarks(
  context: Context,
  scene: Scene,
  box: Box,
  x: (at: number) => number,
  parts: Part[],
  which: "exceptions" | "state_changes",
): void {
  const middle = box.top + box.height / 2;
  context.fillStyle = which === "exceptions" ? scene.colours.crashed : scene.colours.muted;
  for (const part of parts) {
    let last = -Infinity;
    buckets(part, scene.view, (place, begin) => {
      const at = x(begin + part.picture.step / 2);
      if (!part.picture[which][place] || at - last < APART) return;
      last = at;
      context.beginPath();
      if (which === "exceptions") {
        context.moveTo(at - 5.5, middle + 6);
        context.lineTo(at, middle - 5);
        context.lineTo(at + 5.5, middle + 6);
      } else {
        context.arc(at, middle, MARK, 0, 7);
      }
      context.fill();
    });
  }
}

function drawSelection(context: Context, scene: Scene, x: (at: number) => number): void {
  const first = scene.layout.boxes.find((one) => one.kind !== "ticks");
  const top = first?.top ?? 0;
  if (scene.selection) {
    const [from, to] = scene.selection;
    context.globalAlpha = 0.16;
    context.fillStyle = scene.colours.accent;
    context.fillRect(x(Math.min(from, to)), top, Math.abs(x(to) - x(from)), scene.layout.height - top);
    context.globalAlpha = 1;
  }
  if (scene.pin !== null) {
    context.strokeStyle = scene.colours.accent;
    context.lineWidth = 1.5;
    context.beginPath();
    context.moveTo(x(scene.pin), top);
    context.lineTo(x(scene.pin), scene.layout.height);
    context.stroke();
  }
}
