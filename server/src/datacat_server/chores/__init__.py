"""What a server does by itself for as long as it runs."""
