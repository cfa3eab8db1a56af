"""The command `roco search`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from roco.cli.output import count, print_json
from roco.cli.run import Json
from roco.cli.search_options import (
    CommercialOpt,
    ConceptsOpt,
    DiverseOpt,
    EncoderOpt,
    ImageOpt,
    IndexArg,
    LikeOpt,
    NotArticleOpt,
    NotSameArticleOpt,
    WhereOpt,
    filters_of,
)
from roco.cli.select import LicenseOpt, ModalityOpt, RegionOpt, SplitOpt, YearOpt
from roco.cli.train_options import warn

if TYPE_CHECKING:
    from roco.baselines.retrieve.hits import Hit


def search(
    index: IndexArg,
    words: Annotated[
        str | None, typer.Argument(metavar="WORDS", help="Words of captions, concepts and titles.", show_default=False)
    ] = None,
    image: ImageOpt = None,
    like: LikeOpt = None,
    concepts: ConceptsOpt = None,
    not_same_article: NotSameArticleOpt = False,
    not_article: NotArticleOpt = None,
    diverse: DiverseOpt = False,
    n: Annotated[int, typer.Option("-n", metavar="N", min=1, help="Number of hits.")] = 10,
    where: WhereOpt = None,
    commercial: CommercialOpt = False,
    modality: ModalityOpt = None,
    region: RegionOpt = None,
    year: YearOpt = None,
    license: LicenseOpt = None,
    split: SplitOpt = None,
    encoder: EncoderOpt = None,
    as_json: Json = False,
) -> None:
    """Finds images by words, by an image, by concepts, or by several of them. Not for clinical use.

    Example: roco search demo/index "chest CT" --modality DRCT
    """
    from roco.baselines.retrieve.index import Index

    filters = filters_of(where, commercial, modality, region, year, license, split)
    opened = Index.open(index)
    if image is not None and not_same_article and not opened.known_articles(image):
        warn([f"no duplicate of {image} is in the index: its article is unknown; exclude it by --not-article PMCID"])
    hits = opened.search(
        words, image=image, like=like, concepts=concepts, not_same_article=not_same_article,
        not_articles=not_article or (), diverse=diverse, n=n, filters=filters, encoder=encoder,
    )  # fmt: skip
    if as_json:
        print_json({"hits": [hit.to_json() for hit in hits]})
    else:
        _print(hits)


def _print(hits: Sequence[Hit]) -> None:
    from roco.base.terminal import printable
    from roco.cli.grid import wrap
    from roco.cli.tables import console

    out = console()
    for hit in hits:
        how = ", ".join(f"{name} {rank}" for name, rank in hit.matched.items())
        facts = [f"{hit.rank}. {hit.id}", f"score {hit.score:.3f} ({how})", hit.modality or "", hit.license or ""]
        lines = [hit.caption, "; ".join(hit.names), hit.attribution, hit.link]
        print(printable(" · ".join(fact for fact in facts if fact)))
        for line in lines:
            for part in wrap(printable(line), out.width, "   ", "   "):
                print(part)
    print(count("hit", len(hits)))
