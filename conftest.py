"""For all tests of the checkout: where interpreters come from, and that no process is left behind."""

pytest_plugins = ["support.interpreters", "support.leftovers", "support.servers", "support.coverage_floor"]
