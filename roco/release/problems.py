"""Problems of a dataset: what `verify` reports, at most a hundred per file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from roco.base.readers import UNREADABLE
from roco.base.terminal import excerpt

MOST = 100
"""Problems of one file that are listed individually."""

MISSING_FILE = "missing file"


class Problem(NamedTuple):
    """One problem of a dataset: what is wrong, and where (file, then row or image)."""

    what: str
    where: str


def unreadable(err: Exception, where: str) -> Problem:
    """Returns the problem for a file that cannot be read."""
    return Problem(f"unreadable: {excerpt(err) or type(err).__name__}", where)


def problems_of_file(name: str, problems: Iterator[Problem]) -> list[Problem]:
    """Collects the first problems of one file; an exception of its readers becomes a problem."""
    listed: list[Problem] = []
    count = 0
    try:
        for problem in problems:
            count += 1
            if count <= MOST:
                listed.append(problem)
    except UNREADABLE as err:
        listed.append(unreadable(err, name))
    if count > MOST:
        listed.append(_more(name))
    return listed


def first_of_each_file(problems: Iterable[Problem]) -> list[Problem]:
    """Returns the problems in their order, limited to the first hundred of each file."""
    listed: list[Problem] = []
    count = Counter[str]()
    for problem in problems:
        name = problem.where.partition(",")[0]
        count[name] += 1
        if count[name] <= MOST:
            listed.append(problem)
        elif count[name] == MOST + 1:
            listed.append(_more(name))
    return listed


def _more(name: str) -> Problem:
    return Problem(f"more than {MOST} problems (only the first {MOST} are listed)", name)
