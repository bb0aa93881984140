"""The REST API over a store. Knows the store's protocol and the model, never an engine."""
