"""What the tables hold, as Python has it: times, cursors, events as rows."""
