"""Scores as pure functions: of sets, texts, ranks and raters, and how sure they are. No files, no options, no state."""
