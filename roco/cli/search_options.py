"""The options that `roco search` and `roco answer` share: what is searched for, and in which images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from roco.release.select.flags import SelectOptions

IndexArg = Annotated[Path, typer.Argument(metavar="INDEX", help="A folder of `roco index`.", show_default=False)]
ImageOpt = Annotated[Path | None, typer.Option(metavar="FILE", help="Images that resemble this one.")]
LikeOpt = Annotated[str | None, typer.Option(metavar="ID", help="Images that resemble this image of the index.")]
ConceptsOpt = Annotated[
    str | None,
    typer.Option(metavar="NAMES", help="Images with these concepts: names or CUIs with AND, OR, NOT, parentheses."),
]
NotSameArticleOpt = Annotated[
    bool, typer.Option("--not-same-article", help="No images of the article of --image or --like.")
]
NotArticleOpt = Annotated[
    list[str] | None, typer.Option("--not-article", metavar="PMCID", help="No images of this article.")
]
DiverseOpt = Annotated[bool, typer.Option("--diverse", help="Hits that differ from each other.")]
WhereOpt = Annotated[
    str | None, typer.Option(metavar="SQL", help="A condition over the columns of the index, in the SQL of DuckDB.")
]
CommercialOpt = Annotated[bool, typer.Option("--commercial", help="Only licences that allow commercial use.")]
ByOpt = Annotated[
    str | None,
    typer.Option(
        metavar="HOW",
        help="How words are searched: words (BM25), dense (vectors) or hybrid, the default if the index has vectors "
        "for words.",
    ),
]
EncoderOpt = Annotated[
    Path | None, typer.Option(metavar="PATH", help="The encoder of the index, if it is not where it was.")
]
TextEncoderOpt = Annotated[
    Path | None, typer.Option(metavar="FOLDER", help="The encoder of captions, if it is not where it was.")
]


def filters_of(
    where: str | None,
    commercial: bool,
    modality: Sequence[str] | None,
    region: Sequence[str] | None,
    year: Sequence[str] | None,
    license: Sequence[str] | None,
    split: Sequence[str] | None,
) -> SelectOptions:
    """Returns the filters that options of a command state."""
    from roco.release.select.flags import SelectOptions

    return SelectOptions(
        where=where, commercial=commercial, modality=tuple(modality or ()), region=tuple(region or ()),
        year=tuple(year or ()), license=tuple(license or ()), split=tuple(split or ()),
    )  # fmt: skip
