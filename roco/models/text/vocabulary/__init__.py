"""Vocabularies for linkers: UMLS concepts with their names, and how they are built from UMLS, OBO, MeSH and CSV files.

table: the format and its reader. build: one vocabulary from several sources. umls, obo, mesh: a reader for each format.
"""
