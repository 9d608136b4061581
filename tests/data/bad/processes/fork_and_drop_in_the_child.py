import gc
import os

import pyrns_pool as rp

store = rp.Store(rp.PoolConfig.parse("64x4"))
b = store.bytes(b"kept")
view = b.view()
child = os.fork()
if child == 0:
    del b, view
    gc.collect()
    store.check()
    os._exit(store.stats().pool.in_use)
print(bytes(view), os.waitpid(child, 0)[1])
