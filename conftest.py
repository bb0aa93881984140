"""For all tests of the checkout: where interpreters come from, and that no process is left behind."""

from hypothesis import HealthCheck, settings

pytest_plugins = ["support.interpreters", "support.leftovers", "support.servers", "support.coverage_floor"]

# A busy machine is no failure, and the first draw of a fresh checkout builds tables of all characters.
settings.register_profile("datacat", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("datacat")
