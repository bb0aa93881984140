// Where the page has put the lanes: the picture is drawn into the same places.

export interface Box {
  kind: string;
  key: string;
  top: number;
  height: number;
}

export interface Layout {
  width: number;
  height: number;
  left: number;
  plot: number;
  boxes: Box[];
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
    });
  }
  return { width: outer.width, height: outer.height, left, plot, boxes };
}
