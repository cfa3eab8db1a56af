"""Texts: language identification, licences, vocabularies, and the linker that finds their names in captions."""
