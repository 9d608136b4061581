"""Audits: every place that allocates, how bad it is, and what to do, with numbers."""

from pyrns_pool.audit.findings import Finding, Findings, FixedPool, RegionCheck
from pyrns_pool.audit.rules import Rules, Thresholds
from pyrns_pool.audit.source import audit_source
from pyrns_pool.audit.source_join import join
from pyrns_pool.audit.source_patch import annotate
from pyrns_pool.audit.trace import audit_trace

__all__ = [
    "Finding",
    "Findings",
    "FixedPool",
    "RegionCheck",
    "Rules",
    "Thresholds",
    "annotate",
    "audit_source",
    "audit_trace",
    "join",
]
