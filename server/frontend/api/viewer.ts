// The page that shows the description of the API. Everything it needs is in this bundle.

import SwaggerUI from "swagger-ui-dist/swagger-ui-es-bundle.js";
import "swagger-ui-dist/swagger-ui.css";
import "./viewer.css";

const SCHEME = "key"; // what the description calls the way a key is sent

function show(place: HTMLElement, spec: unknown, key: string | null): void {
  const viewer = SwaggerUI({
    domNode: place,
    spec,
    deepLinking: true,
    docExpansion: "list",
    filter: true,
    defaultModelsExpandDepth: 0,
    displayRequestDuration: true,
    validatorUrl: null, // else a service elsewhere would be asked
    onComplete: () => {
      if (key) viewer.preauthorizeApiKey(SCHEME, key);
    },
  });
}

/** Ask for a key, and say why. A form that is there stays, with what is typed in it. */
function ask(place: HTMLElement, address: string, why: string): void {
  const asked = place.querySelector("form.key [role=status]");
  if (asked) {
    asked.textContent = why;
    return;
  }
  const form = document.createElement("form");
  form.className = "key";
  const label = document.createElement("label");
  label.textContent = "API key ";
  const field = document.createElement("input");
  field.type = "password";
  field.autocomplete = "off";
  field.required = true;
  const button = document.createElement("button");
  button.textContent = "Open";
  const said = document.createElement("p");
  said.setAttribute("role", "status");
  said.textContent = why;
  label.append(field);
  form.append(label, button, said);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void load(place, address, field.value);
  });
  place.replaceChildren(form);
  field.focus();
}

let loads = 0;

async function load(place: HTMLElement, address: string, key: string | null): Promise<void> {
  const own = ++loads;
  try {
    const answer = await fetch(address, { headers: key ? { Authorization: `Bearer ${key}` } : {} });
    const content = await answer.json();
    if (own !== loads) return; // another key has been given meanwhile
    if (answer.ok) {
      place.replaceChildren();
      show(place, content, key);
    } else if (key || answer.status !== 401) {
      ask(place, address, content.details);
    } else {
      ask(place, address, "This server asks for a key. It stays in this page and is gone when you leave it.");
    }
  } catch {
    if (own === loads) ask(place, address, "The server does not answer; see that it runs, then try again.");
  }
}

const place = document.getElementById("viewer");
if (place?.dataset.document) {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
  follow();
  dark.addEventListener("change", follow);
  void load(place, place.dataset.document, null);
}
