"""Scores of predictions against a release, as ImageCLEF computes them and beyond: readers, reports, a checker."""
