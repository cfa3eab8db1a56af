"""Random sequences of changed recipes, interruptions, damage and changed articles end where a new run ends."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import random
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from roco.base.errors import DataError
from roco.base.progress import NullProgress
from roco.core.pipeline import Pipeline
from roco.core.run import Run
from roco.core.stage import Stage
from tests.core import fakes
from tests.core.conftest import everything, write_article
from tests.core.test_unchanged import Tagged, decided

ARTICLES = 26
STEPS = 7
OPTIONS: dict[str, list[Stage | None]] = {
    "free": [fakes.Free(), fakes.Free(), fakes.Free(allow=("CC-BY", "CC-BY-ND")), None],
    "tagged": [None, Tagged(), Tagged(without="CT"), Tagged(tag="DRMR", without="case 1")],
    "words": [None, None, fakes.Words(factor=2)],
    "long": [fakes.Long(), fakes.Long(at_least=3), fakes.Long(at_least=5), None],
    "look": [fakes.Look()],
    "wide": [None, fakes.Wide(), fakes.Wide(at_least=3), fakes.Wide(at_least=9)],
    "again": [None, None, Tagged(tag="DRUS", without="case 2")],
    "halves": [fakes.Halves(), fakes.Halves(refuse="A002"), fakes.Halves(refuse="A00")],
    "glance": [None, fakes.Glance(by=2)],
    "printed": [fakes.Numbered(), fakes.Numbered(prefix="y")],
}
"""The stages that a recipe may have, in their usual order, each with what it may be."""


class Interrupted(NullProgress):
    """Interrupts a run after some progress."""

    def __init__(self, after: int) -> None:
        self.left = after

    def start(self, what: str, total: int | None, done: int = 0) -> None:
        self.advance()

    def advance(self, n: int = 1) -> None:
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt


class Changes:
    """A run folder to which random things happen."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.random = random.Random(seed)
        self.articles, self.folder = folder / "articles", folder / "run"
        self.versions: dict[int, int] = {}
        self.happened: list[str] = []
        for i in range(ARTICLES):
            write_article(self.articles, i)
        self.pipeline = self.recipe()

    def recipe(self) -> Pipeline:
        """Returns a random recipe; the stages that decide on rows may be in another order."""
        draw = self.random
        stages = {name: draw.choice(choices) for name, choices in OPTIONS.items()}
        if stages["wide"] is not None:
            stages["glance"] = None  # it measures before the table stages
        names = list(stages)
        if draw.random() < 0.3:
            rows = names[: names.index("halves")]
            draw.shuffle(rows)
            names[: len(rows)] = rows
        named = [dataclasses.replace(stage, name=name) for name in names if (stage := stages[name]) is not None]
        return Pipeline(fakes.Notes(path=self.articles), named, fakes.CATALOGUE)

    def step(self) -> None:
        """Lets one random thing happen, usually followed by a run."""
        draw = self.random
        if draw.random() < 0.7:
            self.change()
        act = draw.choice([self.run, self.run, self.interrupt, self.slice, self.retry, self.until])
        self.happened.append(act.__name__)
        with contextlib.suppress(KeyboardInterrupt):
            act()

    def change(self) -> None:
        draw = self.random
        act = draw.choice(
            [self.change_recipe, self.change_recipe, self.change_recipe, self.damage, self.change_article]
        )
        self.happened.append(act.__name__)
        act()

    def do(self, pipeline: Pipeline, **options: Any) -> None:
        Run(pipeline, self.folder).do(workers=0, part_size=5, **options)

    def run(self) -> None:
        self.do(self.pipeline)

    def interrupt(self) -> None:
        self.do(self.pipeline, progress=Interrupted(self.random.randrange(30)))

    def slice(self) -> None:
        n = self.random.randint(1, 3)
        self.do(self.pipeline, only=(self.random.randint(1, n), n))

    def retry(self) -> None:
        self.do(self.pipeline, retry="unreadable")

    def until(self) -> None:
        names = [step.name for step in self.pipeline.steps]
        try:
            self.do(self.pipeline.until(self.random.choice(names)))
        except DataError as err:  # with a damaged ledger, ids are read from the release by a run that publishes
            assert err.hint.startswith("run without --until")

    def change_recipe(self) -> None:
        self.pipeline = self.recipe()

    def damage(self) -> None:
        """Deletes, cuts or flips a file of the run folder, other than the release, which belongs to its readers."""
        files = [path for path in sorted(self.folder.rglob("*")) if path.is_file() and self.is_ours(path)]
        for path in self.random.sample(files, min(len(files), self.random.randint(1, 3))):
            data = bytearray(path.read_bytes())
            how = self.random.choice(["delete", "cut", "flip"])
            self.happened.append(f"{how} {path.relative_to(self.folder)}")
            if how == "delete" or not data:
                path.unlink()
            elif how == "cut":
                path.write_bytes(data[: self.random.randrange(len(data))])
            else:
                data[self.random.randrange(len(data))] ^= 1 << self.random.randrange(8)
                path.write_bytes(data)

    def is_ours(self, path: Path) -> bool:
        first = path.relative_to(self.folder).parts[0]
        return first not in ("release", "log", "locks", "parts.parquet") and not first.startswith(".")

    def change_article(self) -> None:
        """Changes, removes or restores an article."""
        i = self.random.randrange(ARTICLES)
        how = self.random.choice(["change", "remove", "restore"])
        if how == "change":
            caption = f"a caption with some more words {self.random.randrange(3)}"
            figures = [{"caption": caption, "license": "CC-BY", "file": "a.jpg"}]
            write_article(self.articles, i, figures=figures)
        elif how == "remove":
            (self.articles / f"A{i:03d}.json").unlink(missing_ok=True)
        else:
            write_article(self.articles, i)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Packages(fakes.Notes):
    """Lists A001-x.json and A001-y.json as two packages of the article A001."""

    def listing(self, known: pa.Table | None) -> pa.Table:
        table = super().listing(known)
        articles = pa.array([article[:4] for article in table["article"].to_pylist()], pa.string())
        return table.set_column(table.column_names.index("article"), "article", articles)


def test_of_two_packages_of_an_article_the_one_that_is_listed_now_is_kept(tmp_path: Path) -> None:
    """Both are in the same part, where one is removed, and then the other."""
    articles, folder = tmp_path / "articles", tmp_path / "run"
    write_article(articles, 1)
    one, other = (articles / f"A001-{name}.json" for name in "xy")
    (articles / "A001.json").rename(one)
    write_article(articles, 2)
    (articles / "A002.json").rename(other)
    write_article(articles, 4)
    stages = {"look": fakes.Look(), "halves": fakes.Halves(), "printed": fakes.Printed()}
    named = [dataclasses.replace(stage, name=name) for name, stage in stages.items()]
    of = Pipeline(Packages(path=articles), named, fakes.CATALOGUE)
    Run(of.until("look"), folder).do(workers=0)
    for gone in (one, other):
        content = gone.read_bytes()
        gone.unlink()
        Run(of, folder).do(workers=0)
        kept = {row["archive"] for row in json.loads(everything(folder))["kept"]}
        assert kept == {"A001-x.json", "A001-y.json", "A004.json"} - {gone.name}
        gone.write_bytes(content)


def rows(folder: Path, of: Pipeline) -> list[str]:
    """Returns the stored decisions on the figures that the source lists."""
    by_part = decided(folder, of).values()
    return sorted(json.dumps(row, sort_keys=True) for part in by_part for row in part if row["stage"] != "source")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
def test_whatever_happens_to_a_run_it_ends_where_a_new_run_ends(seed: int, tmp_path: Path) -> None:
    changes = Changes(seed, tmp_path)
    for _ in range(STEPS):
        changes.step()
    new, of, what = tmp_path / "new", changes.pipeline, "; ".join(changes.happened)
    changes.do(of, new_ids=True)
    Run(of, new).do(workers=0, part_size=5)
    assert (changes.folder / "funnel.json").read_text() == (new / "funnel.json").read_text(), what
    assert rows(changes.folder, of) == rows(new, of), what
    if json.loads(everything(new))["kept"]:  # an empty release does not replace another one
        assert everything(changes.folder) == everything(new), what
