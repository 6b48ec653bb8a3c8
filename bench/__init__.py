"""Benchmarks: every figure of docs/performance.md, measured again by `make bench`.

Each figure stands beside a baseline measured in the same run on the same machine, because only their ratio travels.
"""
