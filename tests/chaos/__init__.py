"""Disturbs runs at random moments, resumes them, and compares them with undisturbed ones: `python -m tests.chaos`."""
