import os

import pyrns_pool as rp

pool = rp.Pool(rp.PoolConfig.parse("64x4"))
slot = pool.take(10)
child = os.fork()
if child == 0:
    other = pool.take(10)
    assert other.address != slot.address
    pool.give(other)
    pool.give(slot)
    pool.check()
    pool.close()
    print("child took and gave", end="; ", flush=True)
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
pool.check()
print("parent has", pool.stats().in_use, "in use")
