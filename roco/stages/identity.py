"""Keeps one package of each article."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from roco.core.contract import Reason
from roco.core.stage import Decision, drop


@dataclass(frozen=True, kw_only=True)
class Identity(Decision):
    """Keeps one package of each article: the first by name.

    A dataset that is a source contains only some images of an article. Its images are kept in addition to those of the
    article's package; `dedup` finds the images that both contain.
    """

    needs = ("extract",)
    reads = ("archive", "article_key", "origin")
    reasons = {"superseded": Reason("another package of the same article is kept")}
    scope = "table"

    def __call__(self, batch: pa.Table) -> pa.Table:
        # Rows of a dataset have no article here, so they are neither counted nor dropped.
        is_package = pc.fill_null(pc.not_equal(batch["origin"], "release"), True)
        article = pc.if_else(is_package, batch["article_key"], pa.scalar(None, pa.string()))

        by_article = pa.table({"article": article, "archive": batch["archive"]}).group_by("article")
        packages = by_article.aggregate([("archive", "min"), ("archive", "count_distinct")])
        has_several = pc.greater(packages["archive_count_distinct"], 1)
        repeated = packages.filter(pc.and_(packages["article"].is_valid(), has_several))
        if not len(repeated):
            return batch

        place = pc.index_in(article, value_set=repeated["article"].combine_chunks())
        first = repeated["archive_min"].take(place)  # null for articles with one package
        details = pc.binary_join_element_wise("the article is in", first, "too", " ")
        return drop(batch, pc.not_equal(batch["archive"], first), "superseded", details)
