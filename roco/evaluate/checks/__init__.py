"""Checks that experts expect of a dataset: leakage, duplicates, conflicts of labels, captions, images, licences."""
