// What the pages gain with a script: they stay up to date, keep their place, and charts can be read off.

import { drawCharts } from "./shell/charts";
import { offerCopying } from "./shell/copy";
import { offerKeys } from "./shell/keys";
import { followServer } from "./shell/live";
import { keepPlaceOnLinks } from "./shell/navigate";
import { onPage } from "./shell/page";
import { offerThemes } from "./shell/theme-switch";
import { keepAgesRight } from "./shell/ages";
import { offerZones } from "./shell/zone";
import { followPointer } from "./session/timeline";

onPage(drawCharts);
onPage(offerCopying);
keepAgesRight();
offerThemes();
offerZones();
offerKeys();
keepPlaceOnLinks();
followPointer();
followServer();
