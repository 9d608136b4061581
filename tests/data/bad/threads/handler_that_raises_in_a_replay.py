import signal

import pyrns_pool as rp


class Alarm(Exception):
    pass


def ring(*_):
    raise Alarm


signal.signal(signal.SIGALRM, ring)
columns = {"t_ns": range(100_000), "op": [0, 1] * 50_000}
columns |= {"id": [n // 2 for n in range(100_000)], "size": [8, 0] * 50_000}
trace = rp.Trace.from_events({name: list(column) for name, column in columns.items()})
config = rp.PoolConfig.preset("design")
first = rp.replay(trace, config)
signal.setitimer(signal.ITIMER_REAL, 0.001)
try:
    while True:
        rp.replay(trace, config)
except Alarm:
    print("Alarm; replays again:", rp.replay(trace, config).stats == first.stats)
