"""The small corpus of `roco init`: both layouts of PubMed Central, every reason to leave, works offline."""

from roco.recipes.demo.corpus import Summary, write

__all__ = ["Summary", "write"]
