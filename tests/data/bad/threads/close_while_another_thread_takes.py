import threading

import pyrns_pool as rp

pool = rp.Pool(rp.PoolConfig.parse("64x4"))
begun = threading.Event()


def work():
    try:
        while True:
            pool.give(pool.take(10))
            begun.set()
    except rp.PoolError as error:
        print(error)


thread = threading.Thread(target=work)
thread.start()
begun.wait()
pool.close()
thread.join()
