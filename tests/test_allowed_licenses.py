"""A release has the licences that its recipe allows, and `roco verify` accepts these."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import roco
from roco.release.verify_counts import recipe_licenses
from tests.test_growth import STAGES, corpus


def release_of(root: Path, *allow: tuple[str, ...], stages: tuple[str, ...] = STAGES) -> Path:
    """Returns a release of one article CC BY and one CC BY-ND; allow: of each stage `license`."""
    corpus(root / "articles", range(1, 2))
    corpus(root / "articles", range(2, 3), license="by-nd")
    text = '[run]\nfolder = "run"\n[source]\nkind = "folder"\npath = "articles"\n'
    for number, licenses in enumerate(allow):
        text += f'[[stage]]\nuse = "license"\nname = "license{number}"\nallow = {list(licenses)}\n'
    text += "".join(f'[[stage]]\nuse = "{use}"\n' for use in stages if use != "license")
    (root / "recipe.toml").write_text(text)
    roco.load_recipe(root / "recipe.toml").run(workers=0)
    return root / "run" / "release"


def test_a_release_with_a_licence_that_its_recipe_allows_is_valid(tmp_path: Path) -> None:
    release = release_of(tmp_path, ("CC-BY", "CC-BY-ND"))
    assert json.loads((release / "funnel.json").read_text())["licenses"] == ["CC-BY", "CC-BY-ND"]
    assert {row["license"] for row in roco.load(release).to_arrow().to_pylist()} == {"CC-BY", "CC-BY-ND"}
    assert roco.verify(release) == []
    assert {p.what for p in roco.verify(release, licenses=["CC-BY"])} == {"licence not allowed: CC-BY-ND"}


def test_of_two_stages_both_must_allow_a_licence(tmp_path: Path) -> None:
    release = release_of(tmp_path, ("CC-BY", "CC-BY-ND"), ("CC-BY", "CC0"))
    assert json.loads((release / "funnel.json").read_text())["licenses"] == ["CC-BY"]
    assert roco.verify(release) == []


def test_a_recipe_that_does_not_filter_licences_allows_the_default_ones(tmp_path: Path) -> None:
    release = release_of(tmp_path)
    assert "licenses" not in json.loads((release / "funnel.json").read_text())
    assert {p.what for p in roco.verify(release)} == {"licence not allowed: CC-BY-ND"}
    assert roco.verify(release, licenses=["CC-BY", "CC-BY-ND"]) == []


@pytest.mark.parametrize("text", ["{", "[]", '{"licenses": "CC-BY-ND"}', "{}"])
def test_a_funnel_without_a_list_of_licences_allows_the_default_ones(tmp_path: Path, text: str) -> None:
    path = tmp_path / "funnel.json"
    path.write_text(text)
    assert tuple(recipe_licenses(path)) == ("CC-BY", "CC-BY-NC")


def test_an_unknown_licence_in_the_funnel_is_not_allowed(tmp_path: Path) -> None:
    path = tmp_path / "funnel.json"
    path.write_text('{"licenses": ["CC-BY", "", "anything", 7]}')
    assert list(recipe_licenses(path)) == ["CC-BY"]
