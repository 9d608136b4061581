import sys

import pyrns_pool as rp

store = rp.Store(rp.PoolConfig.parse("64x4"))
for name in [name for name in sys.modules if name.startswith("pyrns_pool")]:
    del sys.modules[name]
print(bytes(store.bytes(b"x")))
