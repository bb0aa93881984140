"""The page of one metric over many sessions."""
