"""Audits: every place that allocates, how bad it is, and what to do, with numbers."""

from pyrns_pool.audit.findings import Finding, Findings, FixedPool, RegionCheck

__all__ = ["Finding", "Findings", "FixedPool", "RegionCheck"]
