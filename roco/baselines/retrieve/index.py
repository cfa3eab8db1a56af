"""An index that is opened for searches: by words, by an image, by concepts, or by several of them, within filters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from roco.base.errors import DataError, UsageError
from roco.base.ids import clean_pmcid
from roco.base.terminal import excerpt
from roco.baselines.retrieve.concept_query import ConceptQuery
from roco.baselines.retrieve.diverse import CANDIDATES, most_different
from roco.baselines.retrieve.encoders.encoder import Stated
from roco.baselines.retrieve.folder import read_manifest
from roco.baselines.retrieve.hits import Hit
from roco.baselines.retrieve.indexed_release import open_release
from roco.baselines.retrieve.query_image import QueryImage
from roco.baselines.retrieve.query_vectors import DENSE, OF_CAPTION, WORDS, QueryVectors
from roco.baselines.retrieve.store import stores
from roco.baselines.retrieve.store.store import IMAGE, TEXT, Found, Restriction, Store
from roco.baselines.retrieve.words import words_of
from roco.release.load.dataset import Dataset
from roco.release.select.flags import SelectOptions

K = 60
"""The constant of reciprocal rank fusion (Cormack et al. 2009)."""

DEPTH = 1000
"""Ranks of each method that are fused."""


class EmptyQuery(DataError):
    """The words of a query contain no letter and no digit."""


class Index:
    """An index of a release. path: its folder. manifest: encoder, release and counts. store: rows, words, vectors."""

    def __init__(self, path: Path, manifest: Mapping[str, Any], store: Store) -> None:
        self.path = path
        self.manifest = manifest
        self.store = store
        self._vectors = QueryVectors(path, manifest)

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """Opens an index and checks its files; raises DataError for another folder or format, and a changed file."""
        folder = Path(path)
        manifest = read_manifest(folder)
        return cls(folder, manifest, stores.opened(folder, manifest))

    def __len__(self) -> int:
        return len(self.store)

    @property
    def names(self) -> Mapping[str, str]:
        """Returns the names of concepts, by CUI."""
        return self.store.names

    @property
    def encoders(self) -> dict[str, Stated]:
        """Returns the encoder of each method that compares vectors: image; text and caption where there is one."""
        return self._vectors.encoders

    def encoders_of(self, hits: Iterable[Hit]) -> dict[str, Stated]:
        """Returns the encoders that some hits were found by, by method."""
        methods = {method for hit in hits for method in hit.matched}
        return {method: stated for method, stated in self.encoders.items() if method in methods}

    def dataset(self, release: str | Path | None = None) -> Dataset:
        """Opens the release of the index, at the path that the index states or the given one.

        Raises DataError if it is another release, or has changed since.
        """
        return open_release(self.path, self.manifest["release"], None if release is None else Path(release))

    def search(
        self,
        words: str | None = None,
        *,
        image: str | Path | bytes | None = None,
        like: str | None = None,
        concepts: str | None = None,
        not_same_article: bool = False,
        not_articles: Iterable[str] = (),
        not_ids: Iterable[str] = (),
        diverse: bool = False,
        by: str | None = None,
        n: int = 10,
        filters: SelectOptions | None = None,
        encoder: str | Path | None = None,
        text_encoder: str | Path | None = None,
    ) -> list[Hit]:
        """Returns the best hits, the best first; equally good ones in the order of the ids.

        words: by their letters, where at least one of them has to occur, and by the encoders of the index that read
        texts. by: words or dense for one of the two; hybrid for both, the default where there are such encoders.
        image: a file or its bytes; similarity is the cosine of embeddings.
        like: the id of an image of the index instead of a file; it is no hit itself. concepts: names or CUIs with AND,
        OR, NOT and parentheses, which every hit fulfils; ranked by the Jaccard index. Several of them are fused by
        reciprocal ranks; concepts then order what the others find. not_same_article: without images of the articles
        that contain the image or a duplicate of it. not_articles, not_ids: article keys or PMCIDs, and ids, that are
        excluded. diverse: hits that differ from each other. filters: as of `roco.select`. encoder, text_encoder: those
        of the index, if they are not where they were. Raises UsageError for an invalid query, and DataError for an
        invalid image and for another encoder.
        """
        _check(words, image, like, concepts, not_same_article, n)
        if by is not None and words is None:
            raise UsageError(f"no words to search for (--by {excerpt(by)})", "give words, or leave --by out")
        condition = None if concepts is None else ConceptQuery.parsed(concepts, self.names)
        opened = None if image is None else QueryImage.open(image)
        row = None if like is None else self._row(like)
        articles = {clean_pmcid(key)[0] or key for key in not_articles}
        if not_same_article:
            articles |= self._articles([row] if row is not None else self._duplicates(opened))
        restriction = Restriction(
            filters=filters, concepts=condition, not_articles=frozenset(articles),
            not_ids=frozenset([*not_ids, *([like] if like is not None else [])]),
        )  # fmt: skip
        how = None if words is None else self._vectors.by(by)
        is_single = how in (None, WORDS) and sum(one is not None for one in (words, image, like, concepts)) == 1
        # Only rankings that are fused are needed deeper than their hits.
        depth = (n * CANDIDATES if diverse else n) if is_single else max(DEPTH, n)
        found: dict[str, Found] = {}
        if words is not None:
            if how != DENSE:
                found[WORDS] = self.store.by_words(words, depth, restriction)
            if how != WORDS:
                for method, vectors in self._vectors.words(words, encoder, text_encoder).items():
                    of = TEXT if method == OF_CAPTION else IMAGE
                    found[method] = self.store.by_vector(self.store.compared(vectors, of)[0], depth, restriction, of)
        if row is not None:
            found["image"] = self.store.by_vector(self.store.vectors([row])[0], depth, restriction)
        if opened is not None:
            vector = self.store.compared(self._vectors.image(opened.decoded, encoder), IMAGE)[0]
            found["image"] = self.store.by_vector(vector, depth, restriction)
        if condition is not None:
            found["concepts"] = (
                self._by_shared(condition, found) if found else self.store.by_concepts(depth, restriction)
            )
        best = next(iter(found.values())) if len(found) == 1 else fused(list(found.values()))
        return self._hits(self._different(best, n) if diverse else best[:n], found)

    def text_vectors(
        self,
        texts: Sequence[str],
        method: str,
        *,
        encoder: str | Path | None = None,
        text_encoder: str | Path | None = None,
    ) -> NDArray[np.float32]:
        """Returns the vectors of texts as they are compared, n x width, by one of the methods of `encoders`.

        method: text, for vectors that are compared with images, or caption. encoder, text_encoder: as of `search`.
        """
        vectors = self._vectors.texts(texts, method, encoder, text_encoder)
        return self.store.compared(vectors, TEXT if method == OF_CAPTION else IMAGE)

    def known_articles(self, image: str | Path | bytes) -> frozenset[str]:
        """Returns the keys of the articles that contain an image or a duplicate of it; none for an unknown image."""
        return self._articles(self._duplicates(QueryImage.open(image)))

    def _by_shared(self, condition: ConceptQuery, found: Mapping[str, Found]) -> Found:
        """Returns the rows that words and image find, ranked by the Jaccard index of their concepts."""
        rows = sorted({row for one in found.values() for row, _ in one})
        concepts = (row["concepts"] or () for row in self.store.rows(rows))
        scores = [condition.jaccard(of_row) for of_row in concepts]
        return sorted(zip(rows, scores, strict=True), key=lambda one: (-one[1], one[0]))

    def _hits(self, best: Found, found: Mapping[str, Found]) -> list[Hit]:
        ranks = {name: {row: rank for rank, (row, _) in enumerate(one, 1)} for name, one in found.items()}
        rows = self.store.rows([row for row, _ in best])
        hits = []
        for rank, ((position, score), row) in enumerate(zip(best, rows, strict=True), 1):
            matched = {name: of[position] for name, of in ranks.items() if position in of}
            hits.append(Hit.of(row, rank, score, self.names, matched))
        return hits

    def _different(self, best: Found, n: int) -> Found:
        candidates = best[: n * CANDIDATES]
        vectors = self.store.vectors([row for row, _ in candidates])
        return [candidates[at] for at in most_different([score for _, score in candidates], vectors, n)]

    def _row(self, id: str) -> int:
        """Returns the row of an image; raises UsageError for an unknown id, and an image without an embedding."""
        row = self.store.row_of(id)
        if row is None:
            raise UsageError(f"no image '{excerpt(id)}' in {self.path} (--like)", "check the id")
        if not self.store.vectors([row]).any():
            raise UsageError(f"'{excerpt(id)}' has no embedding (--like)", "its image was missing or unreadable")
        return row

    def _duplicates(self, image: QueryImage | None) -> list[int]:
        return [] if image is None else self.store.duplicates(image.fingerprint)

    def _articles(self, rows: Sequence[int]) -> frozenset[str]:
        return frozenset(row["article_key"] for row in self.store.rows(rows))


def _check(
    words: str | None,
    image: str | Path | bytes | None,
    like: str | None,
    concepts: str | None,
    not_same_article: bool,
    n: int,
) -> None:
    """Raises UsageError for a query that asks for nothing, or contradicts itself."""
    if words is None and image is None and like is None and concepts is None:
        raise UsageError("nothing to search for", "give words, --image FILE, --like ID or --concepts NAMES")
    if image is not None and like is not None:
        raise UsageError("two images (--image, --like)", "leave one of them out")
    if not_same_article and like is None and image is None:
        hint = "give an image: --image FILE or --like ID"
        raise UsageError("the article of the query is unknown (--not-same-article)", hint)
    if words is not None and not words_of(words):
        raise EmptyQuery("no word in the query", "write letters or digits")
    if n < 1:
        raise UsageError(f"{n} hits", "give a number of hits, 1 or more: -n 10")


def fused(rankings: Sequence[Found]) -> Found:
    """Fuses rankings of rows: the score of a row is the sum of 1 / (60 + rank); equal ones by row."""
    scores: dict[int, float] = {}
    for ranking in rankings:
        for rank, (row, _) in enumerate(ranking, 1):
            scores[row] = scores.get(row, 0.0) + 1 / (K + rank)
    return sorted(scores.items(), key=lambda one: (-one[1], one[0]))
