"""Reads the articles of a part and extracts their figures."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from roco.base.errors import StageFailed
from roco.base.files import digest
from roco.base.schema import ARTICLES
from roco.core.articles import Article, Articles
from roco.core.folder import RunFolder
from roco.core.job import Job
from roco.core.measures import PartMeasures
from roco.core.measuring import Beat, Timings
from roco.core.rows import call, checked
from roco.core.source import origin
from roco.core.stage import Extraction, put
from roco.core.store import PACKAGES_OPEN, ImageStore, article_row


class ArticleReader:
    """Reads articles that have no stored figures, and calls the stage that extracts them."""

    def __init__(
        self, folder: RunFolder, job: Job, store: ImageStore, measures: PartMeasures, timings: Timings, beat: Beat
    ) -> None:
        self.folder, self.job, self.store, self.measures = folder, job, store, measures
        self.timings, self.beat = timings, beat

    def groups(self) -> list[Articles]:
        """Returns the articles in groups that are processed together: few if packages must be read, else all."""
        articles = self.job.articles
        if self.job.one_by_one:
            size = 1
        elif self.has_unread(articles):
            size = PACKAGES_OPEN
        else:
            size = max(1, len(articles))
        return [articles[i : i + size] for i in range(0, len(articles), size)]

    def has_unread(self, articles: Articles) -> bool:
        """Returns whether some articles have not been read yet."""
        return not all(place in self.measures.counts for place in articles.listed)

    def unread(self, articles: Sequence[Article]) -> list[Article]:
        """Returns the articles that have not been read yet."""
        return [a for a in articles if a["current"] and a["place"] not in self.measures.counts]

    def extract(self, articles: Sequence[Article]) -> pa.Table:
        """Returns the figures of articles; an article on which a reader crashed has none."""
        step = self.measures.extract
        readable = []
        self.store.expect_articles(articles)
        for article in articles:
            if self.job.crashed.get(article["place"]) == step.name:
                kind = origin(self.folder.pipeline.source, article["place"])
                readable.append(article_row(article, kind, "reader crashed"))
                continue
            self.beat(article["place"], step.name)
            with self.timings.time("read"):
                readable += self.store.articles(article)
        batch = pa.Table.from_pylist(readable, schema=ARTICLES)
        with self.timings.time(step.name):
            out = call(step, f"part {self.job.part}", batch)
            if not isinstance(out, Extraction):
                hint = "a stage of scope 'article' returns roco.core.stage.Extraction(figures, counts)"
                raise StageFailed(f"stage '{step.name}' returned a {type(out).__name__}, not an Extraction", hint)
            figures = checked(step, batch, out.figures).replace_schema_metadata(None)
        foreign = pc.invert(pc.is_in(figures["archive"], value_set=batch["place"].combine_chunks()))
        if pc.any(foreign).as_py():
            hint = "set `archive` to `place`"
            raise StageFailed(f"stage '{step.name}' returned figures of an archive that it did not receive", hint)
        for article in articles:
            self.measures.counts[article["place"]] = dict(out.counts.get(article["place"], {}))
        return self._with_unique_ids(figures)

    def _with_unique_ids(self, figures: pa.Table) -> pa.Table:
        """Appends a suffix to a figure_id that another package already has: both may contain the same article."""
        ids = figures["figure_id"].to_pylist()
        places = figures["archive"].to_pylist()
        owner = self.measures.owner
        for i, (figure, place) in enumerate(zip(ids, places, strict=True)):
            if owner.setdefault(figure, place) != place:
                ids[i] = f"{figure}~{digest(place)[:6]}"
                owner[ids[i]] = place
        return put(figures, "figure_id", pa.array(ids, pa.string()))
