// Runs before the page is painted: the reader's choice of dark or light, where it differs from the system's.

const choice = localStorage.getItem("datacat-theme");
if (choice === "dark" || choice === "light") document.documentElement.dataset["theme"] = choice;
