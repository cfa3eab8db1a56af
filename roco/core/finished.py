"""A finished run, as the stage that publishes receives it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from roco.base.errors import DataError
from roco.base.progress import Progress
from roco.core.contract import Reason
from roco.core.dropped_batches import dropped_batches
from roco.core.figures import Figures
from roco.core.folder import RunFolder
from roco.core.ledger import Ledger
from roco.core.provenance import resolved
from roco.core.rows import align
from roco.core.store import ImageStore

_ROWS_AT_ONCE = 1000  # as Python objects, rows take twenty times the memory


@dataclass(frozen=True)
class FinishedRun:
    """Implements `stage.Finished`.

    funnel: of the current input, without superseded articles, so that it does not depend on previous runs. ledger: of
    the publication that this one grows from; None if it assigns everything anew.
    """

    folder: RunFolder
    figures: Figures
    funnel: Mapping[str, Any]
    ledger: Ledger | None
    progress: Progress

    def check(self) -> None:
        """Raises DataError unless the funnel and the figures agree."""
        stages = self.funnel["stages"]
        n_dropped = sum(sum(stage["dropped"].values()) for stage in stages)
        n_kept = stages[-1]["kept"] if stages else 0
        if n_dropped != self.figures.n_dropped or n_kept != len(self.figures.kept):
            raise DataError("the funnel and the figures of the release differ", "please report this error in roco")

    @property
    def recipe(self) -> dict[str, Any]:
        return resolved(self.folder.pipeline)

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(self.figures.writer)

    @property
    def reasons(self) -> Mapping[str, Reason]:
        return self.folder.pipeline.reasons

    def kept(self, columns: Sequence[str]) -> pa.Table:
        return self.figures.gather(self.figures.kept, columns).select(["figure_id", *columns])

    def removed(self, columns: Sequence[str], having: Sequence[str] = ()) -> Iterator[pa.Table]:
        names = list(dict.fromkeys(["figure_id", "stage", "drop", "drop_detail", *columns]))
        for batch in dropped_batches(self.figures, columns, having):
            yield batch.select(names)

    def images(self, rows: pa.Table) -> Iterator[bytes]:
        store = ImageStore(self.folder)
        rows = rows.select(["figure_id", "archive", "file"])
        rows = rows.append_column("part", align(rows["figure_id"], self.figures.kept)["part"])
        try:
            for batch in rows.to_batches(max_chunksize=_ROWS_AT_ONCE):
                for row in batch.to_pylist():
                    data = store.image(row["part"], row["figure_id"], row["archive"], row["file"])
                    if data is None:
                        raise _unreadable(row, store)
                    self.progress.advance()
                    yield data
        finally:
            store.close()


def _unreadable(row: Mapping[str, Any], store: ImageStore) -> DataError:
    detail = store.failures[row["figure_id"]].detail
    hint = f"restore {row['archive']}, or drop the image: roco run RECIPE --retry unreadable"
    return DataError(f"cannot read the image of {row['figure_id']}: {detail}", hint)
