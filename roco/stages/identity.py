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

    An earlier release holds only some images of an article, so its images are kept beside those of the article; the
    same image in both is found by `dedup`.
    """

    needs = ("extract",)
    reads = ("archive", "article_key", "origin")
    reasons = {"superseded": Reason("another package of the same article is kept")}
    scope = "table"

    def __call__(self, batch: pa.Table) -> pa.Table:
        from_article = pc.fill_null(pc.not_equal(batch["origin"], "release"), True)
        article = pc.if_else(from_article, batch["article_key"], pa.scalar(None, pa.string()))
        articles = pa.table({"article": article, "archive": batch["archive"]}).group_by("article")
        packages = articles.aggregate([("archive", "min"), ("archive", "count_distinct")])
        several = packages.filter(
            pc.and_(packages["article"].is_valid(), pc.greater(packages["archive_count_distinct"], 1))
        )
        if not len(several):
            return batch
        first = several["archive_min"].take(pc.index_in(article, value_set=several["article"].combine_chunks()))
        details = pc.binary_join_element_wise("the article is in", first, "too", " ")
        return drop(batch, pc.not_equal(batch["archive"], first), "superseded", details)
