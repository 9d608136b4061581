import gc
import weakref

import pyrns_pool as rp

alive = weakref.WeakSet()
for _ in range(100):
    pool = rp.Pool(rp.PoolConfig.parse("64x4"))
    other = rp.Pool(rp.PoolConfig.parse("64x4"))
    pool.link(other)
    pool.itself = pool
    pool.slot = other.take(1)
    alive.update([pool, other])
del pool, other
gc.collect()
print(len(alive), "alive")
