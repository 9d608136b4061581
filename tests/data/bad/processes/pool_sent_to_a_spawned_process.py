import multiprocessing

import pyrns_pool as rp

pool = rp.Pool(rp.PoolConfig.parse("64x4"))
try:
    multiprocessing.get_context("spawn").Process(target=print, args=(pool,)).start()
except TypeError as error:
    print("TypeError:", error)
