"""What one run did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from roco.core.ledger import Changes


@dataclass
class Outcome:
    """What one run did.

    measured: newly measured articles or figures by stage. parts_done: parts processed now. parts_elsewhere: parts that
    another process is processing. superseded: articles that the source no longer lists. release: the published folder,
    new or up to date; None if the run ends before the stage that publishes, or if it keeps no figure and the previous
    release has some: that one is unchanged then. changes: how the release differs from the one before it, if it was
    written now and there was one. only_new: changed options, as `stage.option`, without effect on the images of the
    release before it. carried: what others wrote in the folder of the release, with its name there now.
    """

    folder: Path
    measured: dict[str, int] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    parts_done: int = 0
    parts_elsewhere: int = 0
    funnel: dict[str, Any] = field(default_factory=dict)
    release: Path | None = None
    changes: Changes | None = None
    only_new: tuple[str, ...] = ()
    carried: Mapping[str, str] = field(default_factory=dict)
    superseded: int = 0
    complete: bool = False
