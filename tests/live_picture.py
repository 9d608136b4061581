"""Writes docs/img/live.svg, what `pyrns-pool live` shows of an hour of the node when it ends.

``python tests/live_picture.py`` writes it; tests/test_cli_live.py fails once it would be another.
"""

import io
import re
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import DIMMED_MONOKAI
from rich._export_format import CONSOLE_SVG_FORMAT

import pyrns_pool as rp
from pyrns_pool.live import Workload
from pyrns_pool.live.terminal import picture

PATH = Path(__file__).resolve().parent.parent / "docs" / "img" / "live.svg"
WIDTH, HEIGHT = 92, 24
POOL = "64x320,256x160,512x8"
# The format without its web fonts: a reader's own will do, and nothing is asked of a network.
FORMAT = re.sub(r"@font-face {{.*?}}\n", "", CONSOLE_SVG_FORMAT, flags=re.S)


def draw():
    """Return the picture as SVG."""
    with Workload(rp.SoakSpec(rp.PoolConfig.parse(POOL), "node", hours=1)) as source:
        *_, last = source.samples(60.0)
        console = Console(
            width=WIDTH, record=True, file=io.StringIO(), force_terminal=True, highlight=False
        )
        console.print(picture(last, source, WIDTH, HEIGHT))
    title = f"pyrns-pool live --workload node --hours 1 --tiers {POOL}"
    return console.export_svg(
        title=title, theme=DIMMED_MONOKAI, code_format=FORMAT, unique_id="live"
    )


if __name__ == "__main__":
    PATH.write_text(draw())
