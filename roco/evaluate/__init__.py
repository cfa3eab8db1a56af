"""Scores predictions against a release: concepts, captions, retrieval, agreement; and checks submissions."""
