"""The reader of JATS articles."""
