"""Finds the names of modalities, regions and directions in captions, by which the rules read a caption."""
