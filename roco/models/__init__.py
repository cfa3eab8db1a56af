"""What knows something: vocabularies, linkers, heads and embeddings."""
