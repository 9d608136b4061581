import pyrns_pool as rp


def notify(*event):
    raise ValueError("from the callback")


tier = rp.Tier(8, 4, low_water_count=2)
pool = rp.Pool(rp.PoolConfig((tier,)), on_low_water=notify)
slots = [pool.take(1) for _ in range(4)]
pool.check()
print(pool.stats().in_use)
