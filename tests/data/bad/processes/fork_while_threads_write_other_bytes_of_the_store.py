import os
import threading

import pyrns_pool as rp

store = rp.Store(rp.PoolConfig.parse("64x64"))
whole = store.bytes(bytes(40))
stop = threading.Event()


def work(mine):
    while not stop.is_set():
        part = mine[1:]
        part[0] = 1


threads = [threading.Thread(target=work, args=(store.bytes(bytes(40)),)) for _ in range(3)]
for thread in threads:
    thread.start()
for _ in range(8):
    child = os.fork()
    if child == 0:
        for _ in range(50):
            part = whole[1:]
            part[0] = 2
        os._exit(bytes(whole) != bytes(40))
    assert os.waitpid(child, 0)[1] == 0
stop.set()
for thread in threads:
    thread.join()
print("8 children")
