import sys

name = "_xxsubinterpreters" if sys.version_info < (3, 13) else "_interpreters"
interpreters = __import__(name)
inner = interpreters.create()
# NumPy decides whether it works in one: version 1 warns, version 2 refuses.
interpreters.run_string(
    inner,
    """
try:
    import pyrns_pool as rp
except ImportError:
    print("works or is refused")
else:
    with rp.Pool(rp.PoolConfig.parse("64x4")) as pool:
        pool.give(pool.take(10))
        pool.check()
    print("works or is refused")
""",
)
interpreters.destroy(inner)
