"""The stages that a recipe can name."""

from __future__ import annotations

from roco.core.stage import Stage
from roco.stages.caption import Caption
from roco.stages.cutoff import Cutoff
from roco.stages.dedup import Dedup
from roco.stages.embed import Embed
from roco.stages.extract import Extract
from roco.stages.filter import Filter
from roco.stages.guess import Guess
from roco.stages.identity import Identity
from roco.stages.image import Image
from roco.stages.label import Label
from roco.stages.language import Language
from roco.stages.language_id import LanguageId
from roco.stages.layout import Layout
from roco.stages.license import License
from roco.stages.mentions import Mentions
from roco.stages.merge import Merge
from roco.stages.ocr import Ocr
from roco.stages.pins import Pins
from roco.stages.prune import Prune
from roco.stages.publish.release import Release
from roco.stages.retraction import Retraction
from roco.stages.rights import Rights
from roco.stages.score import Score
from roco.stages.screen import Screen
from roco.stages.split import Split
from roco.stages.terms import Terms

STAGES: dict[str, type[Stage]] = {
    "extract": Extract,
    "license": License,
    "rights": Rights,
    "caption": Caption,
    "language_id": LanguageId,
    "language": Language,
    "image": Image,
    "layout": Layout,
    "embed": Embed,
    "score": Score,
    "filter": Filter,
    "ocr": Ocr,
    "screen": Screen,
    "terms": Terms,
    "mentions": Mentions,
    "guess": Guess,
    "label": Label,
    "merge": Merge,
    "identity": Identity,
    "retraction": Retraction,
    "pins": Pins,
    "dedup": Dedup,
    "cutoff": Cutoff,
    "split": Split,
    "prune": Prune,
    "release": Release,
}
