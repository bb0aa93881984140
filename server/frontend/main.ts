// What the pages gain with a script: they stay up to date, keep their place, and charts can be read off.

import { drawCharts } from "./charts";
import { offerCopying } from "./copy";
import { followServer } from "./live";
import { keepPlaceOnLinks } from "./navigate";
import { onPage } from "./page";
import { offerThemes } from "./theme-switch";
import { keepAgesRight } from "./ages";
import { followPointer } from "./timeline";

onPage(drawCharts);
onPage(offerCopying);
keepAgesRight();
offerThemes();
keepPlaceOnLinks();
followPointer();
followServer();
