"""The small corpus of `roco init`: both layouts of PubMed Central and every drop reason; works offline."""

from roco.recipes.demo.corpus import Summary, write

__all__ = ["Summary", "write"]
