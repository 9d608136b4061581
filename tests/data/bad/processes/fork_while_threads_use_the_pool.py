import os
import threading

import pyrns_pool as rp

pool = rp.Pool(rp.PoolConfig.parse("64x64"))
stop = threading.Event()


def work():
    while not stop.is_set():
        pool.give(pool.take(10))


threads = [threading.Thread(target=work) for _ in range(3)]
for thread in threads:
    thread.start()
for _ in range(8):
    child = os.fork()
    if child == 0:
        for _ in range(50):
            pool.give(pool.take(10))
        os._exit(pool.stats().in_use > 3)
    assert os.waitpid(child, 0)[1] == 0
stop.set()
for thread in threads:
    thread.join()
print("8 children")
