"""A process that labels until it is killed: it prints an image after the log has acknowledged its label."""

from __future__ import annotations

import sys
from pathlib import Path

from roco.curate.log import Log
from tests.curate.logs import TASKS, labelled


def main(path: str, annotator: str, most: int) -> None:
    with Log.open(Path(path), TASKS) as log:
        log.open_round("first", annotator=annotator)
        start = len(log.current("modality", annotator=annotator))
        for number in range(start, start + most):
            labelled(log, f"{annotator}-{number}", "DRCT", by=annotator)
            print(f"{annotator}-{number}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
