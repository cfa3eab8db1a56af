"""Metrics as pure functions of sets, texts, rankings and labels, and their confidence intervals."""
