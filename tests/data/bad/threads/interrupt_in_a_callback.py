import signal

import pyrns_pool as rp


def notify(*event):
    signal.raise_signal(signal.SIGINT)


tier = rp.Tier(8, 4, low_water_count=2)
pool = rp.Pool(rp.PoolConfig((tier,)), on_low_water=notify)
taken = 0
while taken < 4:
    try:
        taken += bool(pool.take(1))
    except KeyboardInterrupt:
        taken = pool.stats().in_use
pool.check()
print(pool.stats().in_use, "in use")
