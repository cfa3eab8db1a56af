"""The card of a vocabulary: a JSON file beside it with its SHA-256, its sources and what the report counts."""

from __future__ import annotations

from pathlib import Path

from roco.base.files import file_digest, write_json
from roco.base.version import __version__
from roco.models.text.vocabulary.build import Options
from roco.models.text.vocabulary.card_digest import path_of
from roco.models.text.vocabulary.report import Report


def write(vocabulary: Path, report: Report, options: Options) -> Path:
    """Writes the card of a vocabulary, without paths and times: equal for equal sources and options."""
    path = path_of(vocabulary)
    card = {
        "sha256": file_digest(vocabulary),
        "roco": __version__,
        "options": {
            "types": None if options.types is None else sorted(options.types),
            "cuis": {table.name: file_digest(table) for table in sorted(options.cuis)},
            "by_name": options.by_name,
        },
        **report.as_json(),
    }
    write_json(path, card)
    return path
