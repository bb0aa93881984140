"""The page that shows sessions side by side."""
