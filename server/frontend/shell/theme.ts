// Runs before the page is painted: the reader's choice of dark or light, where it differs from the system's.

const root = document.documentElement;
const choice = localStorage.getItem("datacat-theme");
if (choice === "dark" || choice === "light") root.dataset["theme"] = choice;
// Room is kept from the first for what scripts show, so that nothing moves when they do.
root.dataset["script"] = "";
