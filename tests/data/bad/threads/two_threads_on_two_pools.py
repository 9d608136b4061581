import threading

import pyrns_pool as rp

pools = [rp.Pool(rp.PoolConfig.parse("64x2")) for _ in range(2)]


def work(pool):
    for _ in range(5_000):
        pool.give(pool.take(10))


threads = [threading.Thread(target=work, args=(pool,)) for pool in pools]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print([pool.stats().gives for pool in pools])
