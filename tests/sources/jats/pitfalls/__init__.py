"""The known pitfalls of reading figures, each as a small article with what must be made of it."""

from __future__ import annotations

from tests.sources.jats.pitfalls.captions import CAPTIONS
from tests.sources.jats.pitfalls.documents import DOCUMENTS
from tests.sources.jats.pitfalls.form import Cited, Image, Pitfall
from tests.sources.jats.pitfalls.groups import GROUPS
from tests.sources.jats.pitfalls.mentions import MENTIONS
from tests.sources.jats.pitfalls.names import NAMES, SAME_NAME
from tests.sources.jats.pitfalls.outside import OUTSIDE
from tests.sources.jats.pitfalls.pixels import PICTURES, Picture
from tests.sources.jats.pitfalls.renditions import RENDITIONS

PITFALLS = (*DOCUMENTS, *NAMES, *RENDITIONS, *CAPTIONS, *GROUPS, *OUTSIDE, *MENTIONS)

__all__ = ["PICTURES", "PITFALLS", "SAME_NAME", "Cited", "Image", "Picture", "Pitfall"]
