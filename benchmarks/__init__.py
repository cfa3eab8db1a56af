"""Benchmarks: `make bench` writes docs/benchmarks.md, with medians and ratios. No test depends on them."""
