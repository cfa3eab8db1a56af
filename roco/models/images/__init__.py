"""Image files and pixels: decoding, perceptual hashes, metadata fields, contact sheets."""
