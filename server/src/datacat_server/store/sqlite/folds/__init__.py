"""What is kept folded of the records, brought up to date as they come in."""
