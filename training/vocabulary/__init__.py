"""Makes the vocabulary that is shipped with roco, from open ontologies and tables checked by hand."""
