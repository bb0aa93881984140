// What the pages gain with a script: they stay up to date, keep their place, and charts can be read off.

import { drawCharts } from "./shell/charts";
import { completeSearches } from "./shell/combobox";
import { offerCopying } from "./shell/copy";
import { offerKeys } from "./shell/keys";
import { followServer } from "./shell/live";
import { keepPlaceOnLinks } from "./shell/navigate";
import { followChosen } from "./sessions/chosen";
import { readOffColumns } from "./problems/columns";
import { onPage } from "./shell/page";
import { keepTabRight } from "./shell/tab";
import { offerThemes } from "./shell/theme-switch";
import { keepAgesRight } from "./shell/ages";
import { offerZones } from "./shell/zone";
import { followInstant } from "./compare/cursor";
import { readDistribution } from "./metrics/distribution";
import { followEvents } from "./session/events";
import { keepOpened } from "./session/opened";
import { drawTimeline } from "./session/timeline/timeline";

// Each by itself: one that fails costs the page what it does, and nothing else.
const starters = [
  () => onPage(drawCharts),
  () => onPage(offerCopying),
  keepAgesRight,
  keepTabRight,
  offerThemes,
  offerZones,
  offerKeys,
  completeSearches,
  followChosen,
  keepPlaceOnLinks,
  readOffColumns,
  drawTimeline,
  followEvents,
  keepOpened,
  readDistribution,
  followInstant,
  followServer,
];
for (const start of starters) {
  try {
    start();
  } catch (error) {
    console.error(error);
  }
}
