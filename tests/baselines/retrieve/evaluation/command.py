"""Runs `roco evaluate` as a user does."""

from __future__ import annotations

import sys

import pytest

from roco.cli.main import main


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    """Returns the exit status, stdout and stderr of `roco evaluate` with some words."""
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as ended:
        patch.setattr(sys, "argv", ["roco", "evaluate", *map(str, words)])
        main()
    printed = capsys.readouterr()
    return int(ended.value.code or 0), printed.out, printed.err
