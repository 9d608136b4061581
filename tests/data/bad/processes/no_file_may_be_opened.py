import resource

import pyrns_pool as rp

path = rp.shipped("microreticulum_node_a.npz")
resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
try:
    rp.load_trace(path)
except rp.TraceError as error:
    print(str(error).rpartition(": ")[2])
