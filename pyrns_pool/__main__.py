"""Run the command line as ``python -m pyrns_pool``."""

import sys

from pyrns_pool.cli import main

if __name__ == "__main__":
    sys.exit(main())
