"""Reads articles straight from a bucket in the layout of PMC's: a listing in the run folder, everything else by GET."""
