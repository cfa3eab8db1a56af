"""Selects images of a release by SQL or by flags that make it, and writes the subset as a release."""
