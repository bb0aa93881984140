"""The pages for people: what the store holds, as HTML that works without script and updates itself with it."""
