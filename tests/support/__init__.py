"""What tests of several folders share: fixtures, real processes, and the watch over them."""
