"""Models and vocabularies, independent of stages: image decoding and hashes, language, licences, concepts."""
