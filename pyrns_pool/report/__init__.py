"""Reports: what was measured, the verdict, what to do, and every figure, in one file to mail.

`make_report` takes traces and results; `Report.save` writes one HTML file without network, or
Markdown. A report computes nothing itself.
"""

from pyrns_pool.report.chapters import make_report
from pyrns_pool.report.content import Chapter, Figure, Report, Section, Table

__all__ = ["Chapter", "Figure", "Report", "Section", "Table", "make_report"]
