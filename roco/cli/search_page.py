"""Connects an index with the search page, for `roco search --browse`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from roco.base.errors import DataError, RejectedInput, UsageError
from roco.cli.output import count, shown_path
from roco.curate.finder import FILTERS, Answer, SearchServer, Wanted
from roco.curate.pictures import NoImage, UnknownFigure

if TYPE_CHECKING:
    from roco.baselines.retrieve.index import Index
    from roco.release.load.dataset import Dataset

UNKNOWN_ARTICLE = "no duplicate of the image is in the index: its article is unknown"


class IndexFinder:
    """Searches an index for the page.

    data: the release of the index, with the images. where: a condition in SQL, and not_articles: articles that are
    excluded; both hold for all searches of the page. encoder, text_encoder: those of the index, if they are not where
    they were.
    """

    def __init__(
        self,
        index: Index,
        data: Dataset,
        *,
        where: str | None = None,
        not_articles: Sequence[str] = (),
        encoder: Path | None = None,
        text_encoder: Path | None = None,
    ) -> None:
        self._index, self._data = index, data
        self._where, self._not_articles = where, not_articles
        self._encoder, self._text_encoder = encoder, text_encoder

    @property
    def title(self) -> str:
        limits = [self._where or "", *(f"not {article}" for article in self._not_articles)]
        return "; ".join([str(shown_path(self._index.path)), *filter(None, limits)])

    def __len__(self) -> int:
        return len(self._index)

    def values(self) -> Mapping[str, Sequence[str]]:
        return self._values

    @cached_property
    def _values(self) -> dict[str, list[str]]:
        columns = [name for name in FILTERS if name in self._data.columns]
        table = self._data.to_arrow(columns)
        values = {name: sorted({value for value in table[name].to_pylist() if value}) for name in columns}
        has_vectors = len(self._index.encoders) > 1  # for words, besides those for images
        return values | {"by": ["words", "dense"] if has_vectors else []}

    def find(self, wanted: Wanted) -> Answer:
        from roco.baselines.retrieve.index import EmptyQuery
        from roco.release.select.flags import SelectOptions

        of = wanted.filters
        filters = SelectOptions(
            where=self._where, commercial=wanted.commercial, modality=of.get("modality", ()),
            region=of.get("region", ()), year=of.get("year", ()), license=of.get("license", ()),
            split=of.get("split", ()),
        )  # fmt: skip
        by = wanted.by if wanted.words else ""  # the page keeps the choice while only an image is searched for
        note = ""
        try:
            if wanted.image is not None and wanted.not_same_article and not self._index.known_articles(wanted.image):
                note = UNKNOWN_ARTICLE
            hits = self._index.search(
                wanted.words or None, image=wanted.image, like=wanted.like or None, concepts=wanted.concepts or None,
                not_same_article=wanted.not_same_article, not_articles=self._not_articles, diverse=wanted.diverse,
                by=by or None, n=wanted.n, filters=filters, encoder=self._encoder,
                text_encoder=self._text_encoder,
            )  # fmt: skip
        except EmptyQuery as err:
            raise UsageError(err.message, err.hint) from err
        except DataError as err:
            if wanted.image is None:
                raise
            raise RejectedInput(err.message, err.hint) from err
        encoders = {
            method: f"{one.name} (SHA-256 {one.sha256[:12]})" for method, one in self._index.encoders_of(hits).items()
        }
        return Answer([hit.to_json() for hit in hits], note, encoders)

    def image(self, id: str) -> bytes:
        if self._index.store.row_of(id) is None:
            raise UnknownFigure("unknown image", "it is not part of the index: search again")
        try:
            return self._data.figures.image(id).bytes()
        except DataError as err:
            raise NoImage(err.message, err.hint) from err


def browse(finder: IndexFinder, wanted: Wanted, host: str, port: int, token: str, opens: bool) -> None:
    """Serves the search page until Ctrl-C. wanted: the query with which it begins. opens: in the browser.

    Raises UsageError for an invalid query, before anything is served.
    """
    from roco.cli.page_server import checked_token, serve_page

    server = SearchServer(finder=finder, token=checked_token(token))
    if wanted.words or wanted.concepts or wanted.like:
        finder.find(wanted)
    facts = address_facts(wanted)
    serve_page(server, count("image", len(finder)), f"/?{urlencode(facts)}" if facts else "/", host, port, opens)


def address_facts(wanted: Wanted) -> dict[str, str]:
    """Returns a query as it is in the address of the page."""
    flags = {name: "1" for name in ("not_same_article", "diverse", "commercial") if getattr(wanted, name)}
    texts = {"words": wanted.words, "concepts": wanted.concepts, "like": wanted.like, "by": wanted.by}
    values = {name: ",".join(values) for name, values in wanted.filters.items()}
    n = {"n": str(wanted.n)} if wanted.n != Wanted.n else {}
    return {name: value for name, value in (texts | values).items() if value} | flags | n
