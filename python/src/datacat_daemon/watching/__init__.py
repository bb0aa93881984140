"""What becomes of the processes: their deaths, hangs and sleep, and the verdicts on their sessions."""
