import pyrns_pool as rp


class Late:
    def __del__(self):
        print(bytes(self.view), len(self.b[2:]))


late = Late()
late.b = rp.Store(rp.PoolConfig.parse("64x4")).bytes(b"last words")
late.view, late.self = late.b.view(), late
