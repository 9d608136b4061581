import threading

import pyrns_pool as rp

pool = rp.Pool(rp.PoolConfig.parse("64x2"))


def work():
    for _ in range(5_000):
        pool.give(pool.take(10))


threads = [threading.Thread(target=work) for _ in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
pool.check()
print(pool.stats().requests, "requests,", pool.stats().in_use, "in use")
