// Which mark of a lane a reader has meant: the one under the pointer, or next to it.

import { buckets, picturesOf, weights } from "./pictures";
import type { Scene } from "./draw";
import { lengthOf } from "./view";

const NEAR = 7; // pixels
export type Marked = "events" | "exceptions" | "state";

/** The lane at a height, in pixels from the top, if it has marks. */
export function laneAt(scene: Scene, y: number): Marked | null {
  const box = scene.layout.boxes.find((one) => y >= one.top && y < one.top + one.height);
  return box && ["events", "exceptions", "state"].includes(box.kind) ? (box.kind as Marked) : null;
}

/** The bucket with a mark that is nearest to an instant, in seconds: where it begins and ends. */
export function markAt(scene: Scene, lane: Marked, at: number): { begin: number; end: number } | null {
  const reach = (NEAR / scene.layout.plot) * lengthOf(scene.view);
  let found: { begin: number; end: number } | null = null;
  let nearest = Infinity;
  for (const part of picturesOf(scene.near, scene.whole, scene.view)) {
    const { picture } = part;
    const marked = (place: number) => {
      if (lane === "exceptions") return picture.exceptions[place];
      if (lane === "state") return picture.state_changes[place];
      return weights(picture, place).some(Boolean);
    };
    buckets(part, scene.view, (place, begin) => {
      if (!marked(place)) return;
      const end = begin + picture.step;
      const apart = at < begin ? begin - at : Math.max(0, at - end);
      if (apart > reach || apart >= nearest) return;
      nearest = apart;
      found = { begin, end };
    });
  }
  return found;
}
