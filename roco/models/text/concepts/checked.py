"""Reads rules for concepts whose examples hold."""

from __future__ import annotations

from pathlib import Path

from roco.base.errors import DataError
from roco.models.text.concepts.choose import Candidate, Chooser
from roco.models.text.concepts.examples import Example
from roco.models.text.concepts.rules import SHIPPED, Rules, load


def load_checked(path: Path | None = None) -> Rules:
    """Reads a file of rules and runs its examples; None means the shipped one, whose examples the tests run.

    Raises DataError for an example that its rule does not decide as the file states.
    """
    rules = load(path)
    if path is not None and path != SHIPPED:
        _check(rules, str(path))
    return rules


def _check(rules: Rules, where: str) -> None:
    chooser = Chooser(rules)
    for block in rules.blocks:
        at, rule = f"{where}, block '{block.name}'", f"block '{block.name}'"
        for one in block.examples:
            verdict = chooser.verdict(_candidate(one))
            if verdict.rule != rule:
                raise _wrong(at, one, verdict.rule or "kept", "dropped by this block")
        for one in block.counterexamples:
            if chooser.verdict(_candidate(one)).rule == rule:
                raise _wrong(at, one, "dropped by this block", "not")
    for remap in rules.remaps:
        at = f"{where}, remap '{remap.name}'"
        for one, to in remap.examples:
            found = chooser.verdict(_candidate(one)).cui
            if found != to:
                raise _wrong(at, one, found, to)
        for one in remap.counterexamples:
            if chooser.verdict(_candidate(one)).cui != one.cui:
                raise _wrong(at, one, "replaced", "not")


def _candidate(one: Example) -> Candidate:
    return Candidate(one.cui, one.text, "|".join(one.tuis))


def _wrong(at: str, one: Example, found: str, stated: str) -> DataError:
    return DataError(
        f"{at}: the example [{one.text}]({one.cui}) is {found}, and stated to be {stated}",
        "correct the rule or its example",
    )
