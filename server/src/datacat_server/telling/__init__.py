"""What is said of a session: why it ended, what it was doing, its state; on its page and in a terminal alike."""
