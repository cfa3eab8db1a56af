from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from roco.base.errors import CorruptFile, InvalidSubmission, MissingExtra, RecipeError, RocoError, nearest

ROOT = Path(__file__).parents[2]


def test_an_error_is_its_message_and_then_its_hint() -> None:
    assert str(RocoError("unknown stage 'licence'", "did you mean 'license'?")).splitlines() == [
        "unknown stage 'licence'",
        "  did you mean 'license'?",
    ]
    assert str(RocoError("unknown stage")) == "unknown stage"


@pytest.mark.parametrize("error", [RecipeError("m", "h"), MissingExtra("torch", "neural"), InvalidSubmission("m", "h")])
def test_errors_survive_the_way_out_of_a_worker(error: RocoError) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert (copy.message, copy.hint, copy.exit_code) == (error.message, error.hint, error.exit_code)


def test_a_missing_extra_is_a_usage_error_with_its_pip_command() -> None:
    error = MissingExtra("torch", "neural")
    assert (error.exit_code, error.hint) == (2, f"pip install '.[neural]' in {ROOT}")


def test_a_corrupt_file_names_its_path() -> None:
    assert CorruptFile("corrupt file a", path="a").path == "a"


def test_the_hint_for_an_unknown_name_is_the_closest_one_or_a_list() -> None:
    assert nearest("licence", ["license", "rights"]) == "did you mean 'license'?"
    assert nearest("xyz", ["license", "rights"]) == "known: license, rights"
    assert nearest("xyz", [f"n{i:02}" for i in range(14)]).endswith("n11 … 2 more")
    assert nearest("xyz", []) == "no names are known"
