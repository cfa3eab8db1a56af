"""The known pitfalls of reading figures, each as a small article with what must be made of it."""

from __future__ import annotations

from tests.sources.pitfalls.captions import CAPTIONS
from tests.sources.pitfalls.documents import DOCUMENTS
from tests.sources.pitfalls.form import Cited, Image, Pitfall
from tests.sources.pitfalls.groups import GROUPS
from tests.sources.pitfalls.mentions import MENTIONS
from tests.sources.pitfalls.names import NAMES, SAME_NAME
from tests.sources.pitfalls.outside import OUTSIDE
from tests.sources.pitfalls.pixels import PICTURES, Picture
from tests.sources.pitfalls.renditions import RENDITIONS

PITFALLS = (*DOCUMENTS, *NAMES, *RENDITIONS, *CAPTIONS, *GROUPS, *OUTSIDE, *MENTIONS)

__all__ = ["PICTURES", "PITFALLS", "SAME_NAME", "Cited", "Image", "Picture", "Pitfall"]
