"""Settings of the whole run: the same examples, figures without a screen, Ctrl-C that is heard."""

import gc
import os
import signal

import pytest
from hypothesis import HealthCheck, settings

import pyrns_pool as rp

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


@pytest.fixture
def store():
    """Yield a store of Bytes, of which nothing may be left at the end."""
    store = rp.Store(rp.PoolConfig.parse("64x48,256x24,512x16,1024x16"), headroom_bytes=16)
    yield store
    store.check()
    if store.live():
        gc.collect()  # a caught exception may be a circle
    assert store.live() == []
