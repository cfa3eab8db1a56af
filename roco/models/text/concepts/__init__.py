"""Decides which of the concepts that a caption mentions an image gets, by rules that are a file."""
