"""What a curation server serves: figures, tasks, the log and one round of it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from roco.base.errors import RejectedInput
from roco.curate.board import Board
from roco.curate.corpus import Corpus
from roco.curate.events import rater_name
from roco.curate.log import Log
from roco.curate.queue import DOUBLE
from roco.curate.raters import Compared
from roco.curate.tasks import Task
from roco.curate.view import Viewer

Agreement = Callable[[Compared], dict[str, Any]]
"""The labels of two raters in a task -> the statistics and tables that `roco agree` prints, for the page."""


@dataclass(frozen=True, kw_only=True)
class Server:
    """What one server serves.

    others: tasks that are not asked, but on whose labels those of `tasks` depend.
    log: None for a server that only shows figures. round: the round that labels belong to; blind: it shows no guesses,
    scores or labels of others, whatever is asked, and serves `annotator` alone. double: share of the figures that two
    annotators label. agreement: computes the statistics of the page `agree`. token: what people need to use the server
    from other machines. hosts: the names of the server, with port; empty for any.
    """

    corpus: Corpus
    tasks: Mapping[str, Task]
    others: Mapping[str, Task] = field(default_factory=dict)
    log: Log | None = None
    round: str = ""
    blind: bool = False
    annotator: str = ""
    double: float = DOUBLE
    agreement: Agreement | None = None
    token: str = ""
    hosts: frozenset[str] = frozenset()
    write_token: str = field(default_factory=lambda: secrets.token_urlsafe(24))


@dataclass(frozen=True)
class State:
    """A server with the view of its figures and the labels in memory."""

    server: Server
    viewer: Viewer
    board: Board | None

    def check_annotator(self, name: str) -> None:
        """Raises RejectedInput for a name that no annotator may have, and in a blind round for any but the server's."""
        rater_name(name, "annotator")
        if self.server.blind and name != self.server.annotator:
            raise RejectedInput(
                f"another annotator than '{self.server.annotator}' in a blind round",
                "start a server of one's own for each annotator, with --annotator",
            )
