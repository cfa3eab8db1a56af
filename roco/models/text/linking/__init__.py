"""Finds the concepts that captions name: the protocol of linkers, and those that roco ships."""
