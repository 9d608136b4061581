import pyrns_pool as rp


def notify(*event):
    pool.close()


tier = rp.Tier(8, 4, low_water_count=4)
pool = rp.Pool(rp.PoolConfig((tier,)), on_low_water=notify)
pool.take(1)
print("closed" if pool.closed else "open")
