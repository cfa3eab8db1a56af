"""A file that an official script would read is refused with the options that score it as it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from typer.testing import CliRunner

from roco import evaluate_captions, evaluate_concepts, evaluate_retrieval
from roco.base.errors import InvalidSubmission, RocoError
from roco.cli.main import app
from tests.evaluate.examples import CAPTIONS, CONCEPTS, MANUAL, PREDICTED_CAPTIONS, PREDICTED_CONCEPTS, table
from tests.sources.test_dataset import published

COMPAT = "; --compat reads and scores it as the official script does"
COMPAT_2023 = "; --compat --profile imageclef2023 reads and scores it as the official script does"


def written(path: Path, rows: Mapping[str, str], header: str, delimiter: str = "\t") -> Path:
    """Writes a file without quotes, as ImageCLEF distributed them in 2023."""
    lines = [header, *(f"{id}{delimiter}{cell}" for id, cell in rows.items())]
    path.write_text("\n".join(line for line in lines if line) + "\n", encoding="utf-8")
    return path


def hint(action: Callable[[], object]) -> str:
    with pytest.raises(InvalidSubmission) as err:
        action()
    return err.value.hint


@pytest.mark.parametrize("delimiter", ["\t", "|"])
@pytest.mark.parametrize("header", ["ID{}caption", "ID{}Captions", "image ID{}text"])
def test_captions_of_2023_are_refused_with_compat_as_the_way_out(tmp_path: Path, delimiter: str, header: str) -> None:
    header = header.format(delimiter)
    truth = written(tmp_path / "t.csv", CAPTIONS, header, delimiter)
    predictions = written(tmp_path / "p.csv", PREDICTED_CAPTIONS, header, delimiter)
    good = table(tmp_path / "good.csv", CAPTIONS, "ID,Caption")
    assert hint(lambda: evaluate_captions(predictions, truth)).endswith(COMPAT)
    assert hint(lambda: evaluate_captions(predictions, good)).endswith(COMPAT)
    assert hint(lambda: evaluate_captions(predictions, good, profile_name="imageclef2025")).endswith(COMPAT_2023)
    report = evaluate_captions(predictions, truth, compat=True, metrics=("rouge1",))
    assert report["rouge1"] == pytest.approx(0.325735, abs=1e-6)


@pytest.mark.parametrize("header", ["ID\tcuis", "ID\tConcepts"])
def test_concepts_of_2023_are_refused_with_compat_as_the_way_out(tmp_path: Path, header: str) -> None:
    truth = written(tmp_path / "t.csv", CONCEPTS, header)
    predictions = written(tmp_path / "p.csv", PREDICTED_CONCEPTS, header)
    manual = written(tmp_path / "m.csv", MANUAL, header)
    good = table(tmp_path / "good.csv", CONCEPTS)
    assert hint(lambda: evaluate_concepts(predictions, truth)).endswith(COMPAT)
    assert hint(lambda: evaluate_concepts(good, good, manual=manual)).endswith(COMPAT)
    assert hint(lambda: evaluate_concepts(predictions, good, profile_name="imageclef2026")).endswith(COMPAT_2023)
    report = evaluate_concepts(predictions, truth, manual=manual, compat=True)
    assert (report["f1"], report["secondary_f1"]) == (0.5076190476190476, 0.6666666666666666)


def test_concepts_without_a_header_or_with_a_byte_order_mark_are_read_by_the_scripts(tmp_path: Path) -> None:
    bare = written(tmp_path / "bare.csv", PREDICTED_CONCEPTS, "", ",")
    assert hint(lambda: evaluate_concepts(bare, CONCEPTS)).endswith(COMPAT)
    marked = table(tmp_path / "marked.csv", PREDICTED_CONCEPTS)
    marked.write_text("\ufeff" + marked.read_text(encoding="utf-8"), encoding="utf-8")
    assert hint(lambda: evaluate_concepts(marked, CONCEPTS, profile_name="imageclef2025")).endswith(
        "; --compat reads and scores it as the official script does"
    )


@pytest.mark.parametrize("spoil", ["img9\tC0040405\n", "\n\n", "img1\tC0040405\n"])  # unknown, blank, duplicate
def test_a_file_at_which_every_script_stops_is_refused_without_a_way_out(tmp_path: Path, spoil: str) -> None:
    predictions = written(tmp_path / "p.csv", PREDICTED_CONCEPTS, "ID\tcuis")
    predictions.write_text(predictions.read_text() + spoil)
    assert hint(lambda: evaluate_concepts(predictions, CONCEPTS)) == "nothing was scored"


def test_the_checker_takes_the_ids_of_such_a_file(tmp_path: Path) -> None:
    truth = written(tmp_path / "t.csv", CONCEPTS, "ID\tcuis")
    good = table(tmp_path / "good.csv", PREDICTED_CONCEPTS)
    result = CliRunner().invoke(app, ["evaluate", "--check", str(good), "--truth", str(truth)])
    assert result.exit_code == 0 and "OK" in result.stdout
    truth.write_text("no table\n\n")
    broken = CliRunner().invoke(app, ["evaluate", "--check", str(good), "--truth", str(truth)])
    assert isinstance(broken.exception, RocoError)


def test_images_of_a_release_without_concepts_count_as_the_scripts_count_them(tmp_path: Path) -> None:
    root = published(tmp_path / "ROCOv2")
    concepts = root / "train_concepts.csv"
    header, first, *rest = concepts.read_text(encoding="utf-8").splitlines()
    id = first.partition(",")[0]
    concepts.write_text("\n".join([header, f"{id},", *rest]) + "\n", encoding="utf-8")
    from_release = evaluate_concepts(concepts, root, split="train", compat=True)
    from_file = evaluate_concepts(concepts, concepts, compat=True)
    assert from_release["f1"] == from_file["f1"] == 1.0
    assert evaluate_concepts(concepts, root, split="train")["f1"] < 1


@pytest.mark.parametrize(("task", "header"), [("image-to-text", "ID\tcaption"), ("image-to-image", "ID\tcuis")])
def test_retrieval_names_no_option_that_it_does_not_have(tmp_path: Path, task: str, header: str) -> None:
    truth = written(tmp_path / "t.csv", CONCEPTS, header)
    assert hint(lambda: evaluate_retrieval(tmp_path / "r.csv", truth, task=task)) == "nothing was scored"
