"""Articles that will not be downloaded again: unavailable, or excluded by their XML, for one metadata and selection."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from roco.base.files import digest
from roco.sources.fetch.articles_folder import STATE_FOLDER
from roco.sources.fetch.json_log import JsonLog, read_log, timestamp
from roco.sources.fetch.selection import Exclusion, Selection

OUTCOMES = f"{STATE_FOLDER}/outcomes.jsonl"
UNAVAILABLE = "unavailable"
EXCLUDED = "excluded"


class Outcome(NamedTuple):
    """kind: `unavailable` or `excluded`; reason: an error message, or the reason of the exclusion."""

    kind: str
    reason: str


class Outcomes:
    """Reads and appends the outcomes of a folder; new metadata or another selection make an old outcome void."""

    def __init__(self, folder: Path, selection: Selection) -> None:
        self._log = JsonLog(folder / OUTCOMES)
        self._selection = digest(selection.as_mapping())
        self._outcomes: dict[tuple[int, str], Outcome] = {}
        self._outcomes.update(read_log(folder / OUTCOMES, self._read))

    def _read(self, record: dict[str, Any]) -> tuple[tuple[int, str], Outcome] | None:
        """Returns the article, its metadata and the outcome; None for another selection."""
        if record.get("selection") != self._selection:
            return None
        place = int(record["article"]), str(record["metadata"])
        return place, Outcome(str(record["outcome"]), str(record["reason"]))

    def find(self, number: int, metadata_sha256: str) -> Outcome | None:
        """Returns the outcome of an earlier run, null if there is none for these metadata and this selection."""
        return self._outcomes.get((number, metadata_sha256))

    def add_unavailable(self, number: int, metadata_sha256: str, message: str) -> None:
        self._append(number, metadata_sha256, UNAVAILABLE, message, None)

    def add_excluded(self, number: int, metadata_sha256: str, exclusion: Exclusion) -> None:
        self._append(number, metadata_sha256, EXCLUDED, exclusion.reason, exclusion.detail)

    def close(self) -> None:
        self._log.close()

    def _append(self, number: int, metadata_sha256: str, kind: str, reason: str, detail: str | None) -> None:
        self._log.append(
            {
                "article": number,
                "metadata": metadata_sha256,
                "selection": self._selection,
                "outcome": kind,
                "reason": reason,
                "detail": detail,
                "time": timestamp(),
            }
        )
