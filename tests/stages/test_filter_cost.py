"""The order by cost: which figures reach the network, and that a changed threshold runs none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from roco.models.images.backbone import Backbone
from roco.recipes.demo import write
from roco.recipes.load import load_recipe, shipped

RECIPE = """
[run]
folder = "filtered"
[source]
kind = "package"
path = "corpus/package"
[[stage]]
use = "image"
[[stage]]
use = "filter"
name = "gate"
head = "gate"
keep = "candidate"
at_least = {gate}
[[stage]]
use = "filter"
name = "compound"
head = "compound"
keep = "single"
at_least = {compound}
"""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cost") / "demo"
    write(folder, shipped()["demo"].read_text(encoding="utf-8"))
    return folder


@pytest.fixture
def embedded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many images the network has read, call by call."""
    calls: list[int] = []
    original: Callable[..., Any] = Backbone.embed

    def counting(self: Backbone, images: Sequence[np.ndarray]) -> Any:
        calls.append(len(images))
        return original(self, images)

    monkeypatch.setattr(Backbone, "embed", counting)
    return calls


def run(demo: Path, gate: float, compound: float) -> tuple[int, int]:
    """Runs the filters with two thresholds; returns how many figures the gate received and kept."""
    recipe = demo / "filtered.toml"
    recipe.write_text(RECIPE.format(gate=gate, compound=compound))
    stages = load_recipe(recipe).run(workers=0).funnel["stages"]
    of_gate = next(stage for stage in stages if stage["stage"] == "gate")
    return of_gate["in"], of_gate["kept"]


def test_only_figures_that_the_gate_keeps_reach_the_network(demo: Path, embedded: list[int]) -> None:
    received, kept = run(demo, gate=0.5, compound=0.5)
    assert 0 < kept < received
    assert sum(embedded) == kept

    # A changed threshold of a filter on embeddings computes none.
    embedded.clear()
    run(demo, gate=0.5, compound=0.9)
    run(demo, gate=0.6, compound=0.9)
    assert embedded == []

    # A gate that drops less embeds only what it newly keeps.
    _, more = run(demo, gate=0.0, compound=0.9)
    assert more == received
    assert sum(embedded) == more - kept
