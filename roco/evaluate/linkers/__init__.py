"""Scores linkers, which read concepts from captions, against captions with known concepts."""
