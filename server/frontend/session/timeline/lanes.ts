// Where the page has put the lanes: the picture is drawn into the same places.

export interface Box {
  kind: string;
  key: string;
  top: number;
  height: number;
  /** Where the range of its values is told, from the left and the top: a reading takes its place. */
  range: { left: number; right: number; top: number } | null;
}

export interface Layout {
  width: number;
  height: number;
  left: number;
  plot: number;
  boxes: Box[];
}

function within(outer: DOMRect, range: Element | null): Box["range"] {
  const place = range?.getBoundingClientRect();
  return place ? { left: place.left - outer.left, right: outer.right - place.right, top: place.top - outer.top } : null;
}

/** Places in pixels from the corner of the element that holds all lanes; `left` and `plot`: where time is. */
export function layoutOf(lanes: HTMLElement): Layout {
  const outer = lanes.getBoundingClientRect();
  const boxes: Box[] = [];
  let left = 0;
  let plot = outer.width;
  for (const lane of lanes.querySelectorAll<HTMLElement>(".lane[data-lane]")) {
    const place = lane.querySelector(":scope > svg")?.getBoundingClientRect();
    if (!place) continue;
    left = place.left - outer.left;
    plot = place.width;
    boxes.push({
      kind: lane.dataset["lane"] ?? "",
      key: lane.dataset["key"] ?? "",
      top: place.top - outer.top,
      height: place.height,
      range: within(outer, lane.querySelector(".label > .range")),
    });
  }
  return { width: outer.width, height: outer.height, left, plot, boxes };
}
