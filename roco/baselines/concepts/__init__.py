"""Learns from captions with known concepts which n-grams stand for which concept."""
