"""What reads pixels and image files: hashes, nearest neighbours, metadata fields, contact sheets."""
