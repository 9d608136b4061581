"""Settings of the whole run: the same examples, figures without a screen, Ctrl-C that is heard."""

import os
import signal

from hypothesis import HealthCheck, settings

# What has no tests of its own: programs that tests run, some of which end the process they are in.
collect_ignore = ["data", "fuzz", "verify"]

os.environ["MPLBACKEND"] = "Agg"

# A run in the background may have been told to ignore Ctrl-C, and the commands that tests start
# and interrupt would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

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
