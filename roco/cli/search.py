"""The command `roco search`."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from roco.base.errors import UsageError
from roco.cli.output import count, print_json, refuse_existing, safe, shown_path
from roco.cli.page_server import HOST, PORT, Host, Port, Quiet, Token
from roco.cli.review import Sheet
from roco.cli.run import Json
from roco.cli.search_options import (
    ByOpt,
    CommercialOpt,
    ConceptsOpt,
    DiverseOpt,
    EncoderOpt,
    ImageOpt,
    IndexArg,
    LikeOpt,
    NotArticleOpt,
    NotSameArticleOpt,
    TextEncoderOpt,
    WhereOpt,
    filters_of,
)
from roco.cli.select import LicenseOpt, ModalityOpt, RegionOpt, SplitOpt, YearOpt
from roco.cli.train_options import warn

if TYPE_CHECKING:
    from roco.baselines.retrieve.encoders.encoder import Stated
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
    by: ByOpt = None,
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
    text_encoder: TextEncoderOpt = None,
    release: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="The release of the index, if it is not where it was.")
    ] = None,
    sheet: Sheet = None,
    browse: Annotated[
        bool, typer.Option("--browse", help="Open the hits in the browser, and search there; runs until Ctrl-C.")
    ] = False,
    port: Port = PORT,
    host: Host = HOST,
    token: Token = "",
    no_browser: Quiet = False,
    as_json: Json = False,
) -> None:
    """Finds images by words, by an image, by concepts, or by several of them. Not for clinical use.

    Example: roco search demo/index "chest CT" --modality DRCT
    """
    from roco.baselines.retrieve.index import Index
    from roco.baselines.retrieve.sheet import hits_sheet
    from roco.cli.search_page import IndexFinder
    from roco.cli.search_page import browse as open_page
    from roco.curate.finder import FILTERS, Wanted
    from roco.models.images.contact_sheet import sheet_format

    filters = filters_of(where, commercial, modality, region, year, license, split)
    if sheet is not None:
        sheet_format(sheet)
        refuse_existing(sheet, "--sheet")
    _check_page(browse, n, image, sheet, as_json, (port, host, token, no_browser))
    opened = Index.open(index)
    if browse:
        wanted = Wanted(
            words=words or "", concepts=concepts or "", by=by or "", like=like or "",
            not_same_article=not_same_article, diverse=diverse, n=n, commercial=commercial,
            filters={name: getattr(filters, name) for name in (*FILTERS, "year")},
        )  # fmt: skip
        finder = IndexFinder(
            opened,
            opened.dataset(release),
            where=where,
            not_articles=not_article or (),
            encoder=encoder,
            text_encoder=text_encoder,
        )
        open_page(finder, wanted, host, port, token, not no_browser)
        return
    data = None if sheet is None else opened.dataset(release)
    if image is not None and not_same_article and not opened.known_articles(image):
        warn([f"no duplicate of {image} is in the index: its article is unknown; exclude it by --not-article PMCID"])
    hits = opened.search(
        words, image=image, like=like, concepts=concepts, not_same_article=not_same_article,
        not_articles=not_article or (), diverse=diverse, by=by, n=n, filters=filters, encoder=encoder,
        text_encoder=text_encoder,
    )  # fmt: skip
    used = opened.encoders_of(hits)
    if as_json:
        encoders = {method: {"name": stated.name, "sha256": stated.sha256} for method, stated in used.items()}
        print_json({"encoders": encoders, "hits": [hit.to_json() for hit in hits]})
    else:
        _print(hits, used)
    if sheet is not None and data is not None:
        if not hits:
            warn([f"no hits: {shown_path(sheet)} was not written"])
            return
        figures = data.figures
        hits_sheet(hits, lambda id: figures.image(id).bytes(), sheet, _title(words, image, like, concepts))
        print(safe(f"wrote {shown_path(sheet)}"), file=sys.stderr)


def _title(words: str | None, image: Path | None, like: str | None, concepts: str | None) -> str:
    """Returns the query as the title of a contact sheet."""
    like = image.name if image is not None else like
    parts = [words or "", f"like {like}" if like else "", f"concepts {concepts}" if concepts else ""]
    return ", ".join(part for part in parts if part)


def _check_page(
    browse: bool, n: int, image: Path | None, sheet: Path | None, as_json: bool, stated: tuple[object, ...]
) -> None:
    """Raises UsageError for options that contradict --browse. stated: values of port, host, token and no_browser."""
    from roco.curate.finder import MOST_HITS

    names, defaults = ("--port", "--host", "--token", "--no-browser"), (PORT, HOST, "", False)
    if not browse:
        for name, value, default in zip(names, stated, defaults, strict=True):
            if value != default:
                raise UsageError(f"{name} without --browse", f"add --browse, or leave out {name}")
        return
    for name, given in (("--sheet", sheet is not None), ("--json", as_json)):
        if given:
            raise UsageError(f"--browse with {name}", "the page shows the hits: leave one of them out")
    if n > MOST_HITS:
        raise UsageError(f"--browse with -n {n}", f"the page shows at most {MOST_HITS} hits")
    if image is not None:
        raise UsageError("--browse with --image", "leave out --image: choose the image in the page")


def _print(hits: Sequence[Hit], encoders: Mapping[str, Stated]) -> None:
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
    for method, stated in encoders.items():
        print(printable(f"{method}: compared by {stated.name} (SHA-256 {stated.sha256[:12]})"))
