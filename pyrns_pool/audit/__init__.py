"""Audits: every place that allocates, how bad it is, and what to do, with numbers."""

from pyrns_pool.audit.findings import Finding, Findings, FixedPool, RegionCheck
from pyrns_pool.audit.rules import Rules, Thresholds
from pyrns_pool.audit.trace import audit_trace

__all__ = [
    "Finding",
    "Findings",
    "FixedPool",
    "RegionCheck",
    "Rules",
    "Thresholds",
    "audit_trace",
]
