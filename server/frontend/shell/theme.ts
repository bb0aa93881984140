// Runs before the page is painted: the reader's choice of dark or light, where it differs from the system's.

import { kept } from "./kept";

const root = document.documentElement;
const choice = kept("datacat-theme");
if (choice === "dark" || choice === "light") root.dataset["theme"] = choice;
// Room is kept from the first for what scripts show, so that nothing moves when they do.
root.dataset["script"] = "";
