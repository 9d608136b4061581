import atexit

import pyrns_pool as rp

pool = rp.Pool(rp.PoolConfig.parse("64x4"))
slot = pool.take(1)
atexit.register(lambda: print("at exit:", pool.stats().in_use, "in use"))
