"""What all pages share: rendering, errors, sign-in, headers, live updates."""
