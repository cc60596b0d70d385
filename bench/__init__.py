"""Benchmarks: condarium beside bare py-rattler doing the same work, in the same run.

`python -m bench` runs them all; see docs/explanation/performance.md for what they measure.
"""
