import threading
import time

import pyrns_pool as rp

pool = rp.Pool(rp.PoolConfig.parse("64x64"))
store = rp.Store(rp.PoolConfig.parse("64x64"))


def work():
    while True:
        pool.give(pool.take(10))
        store.bytes(b"abc")[1:].append(1)


for _ in range(3):
    threading.Thread(target=work, daemon=True).start()
time.sleep(0.05)
print("ended")
