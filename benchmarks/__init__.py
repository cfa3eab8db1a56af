"""Timings: `make bench` measures and writes docs/benchmarks.md. Medians and ratios, never a test."""
