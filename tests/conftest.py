"""Settings of the whole run: the same examples each time, and figures without a screen."""

import os

from hypothesis import HealthCheck, settings

os.environ["MPLBACKEND"] = "Agg"

# Slow machines are no failure (deadline, too_slow), and a failure must come back on every run.
settings.register_profile(
    "repeatable",
    derandomize=True,
    database=None,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("repeatable")
