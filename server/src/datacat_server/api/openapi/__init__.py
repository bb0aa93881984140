"""The description of the API, made from the handlers themselves, and the page that shows it."""
