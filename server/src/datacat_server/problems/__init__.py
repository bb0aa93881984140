"""What went wrong, and whether it is the same as another time. Pure: knows neither the store nor its tables."""
