"""`roco fit`: labels from a file, a run or a release; what it reports, and which input it refuses."""

from __future__ import annotations

import csv
import json
import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from roco.base.files import file_digest
from roco.models.images.backbone import SHIPPED
from tests.cli.command import DATA, DONE, USAGE, Command, Result

EACH = 9
"""Images of each class in the folder of images."""


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of small images, stripes and noise, with labels.csv; not to be changed."""
    folder = tmp_path_factory.mktemp("drawn")
    rng = np.random.default_rng(0)
    rows = []
    for number in range(EACH):
        stripes = np.zeros((40, 48), np.uint8)
        stripes[:: 3 + number % 4] = 200 + number
        for label, pixels in (("stripes", stripes), ("noise", rng.integers(0, 255, (40, 48), np.uint8))):
            Image.fromarray(pixels).save(folder / f"{label}-{number}.png")
            rows.append((f"{label}-{number}.png", label))
    write(folder / "labels.csv", ("path", "label"), rows)
    return folder


def write(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> Path:
    with path.open("w", newline="") as fh:
        csv.writer(fh).writerows([header, *rows])
    return path


def labelled(drawn: Path) -> list[tuple[str, str]]:
    with (drawn / "labels.csv").open(newline="") as fh:
        return [(row["path"], row["label"]) for row in csv.DictReader(fh)]


def refused(result: Result, code: int, message: str, hint: str = "") -> None:
    """Checks that a command printed one line that says what is wrong, and one that says what to do."""
    assert (result.code, result.out) == (code, "")
    error, advice = result.err.splitlines()[-2:]  # on a slow machine, lines of progress precede them
    assert result.err.count("error: ") == 1 and "Traceback" not in result.err
    assert error.startswith("error: ") and message in error
    assert advice.startswith("  ") and advice.strip() and hint in advice


# --- labels -----------------------------------------------------------------------------------------------------------


def test_labels_and_a_folder_of_images_give_a_head_its_card_and_a_plot(
    command: Command, drawn: Path, tmp_path: Path
) -> None:
    out = tmp_path / "kind.npz"
    result = command("fit", "kind", "--labels", drawn / "labels.csv", "--images", drawn, "--out", out)
    assert result.code == DONE
    assert f"accuracy {2 * EACH} of {2 * EACH}" in result.out
    assert "not measured: no image is from a second source" in " ".join(result.out.split())
    assert f"predicted (columns) by label (rows)\n         noise  stripes\nnoise  {EACH:>7}        0\n" in result.out
    card = json.loads(out.with_suffix(".json").read_text())
    assert card["sha256"] == file_digest(out)
    assert (card["task"], card["classes"]) == ("kind", ["noise", "stripes"])
    assert card["backbone"]["sha256"] == file_digest(SHIPPED)
    assert out.with_suffix(".svg").read_text().startswith("<?xml")


def test_an_image_that_does_not_decode_is_left_out_and_reported(command: Command, drawn: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(drawn, tmp_path / "images")
    (folder / "noise-0.png").write_bytes(b"no image")
    (folder / "stripes-0.png").unlink()
    result = command(
        "fit", "kind", "--labels", folder / "labels.csv", "--images", folder, "--out", tmp_path / "x.npz", "--json"
    )
    report = json.loads(result.out)
    assert result.code == DONE
    assert report["left_out"] == {"unreadable": 2}
    assert report["images"] == 2 * EACH - 2


def test_images_that_cannot_be_read_are_named_where_too_few_are_left(
    command: Command, drawn: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(drawn, tmp_path / "images")
    for number in range(3):
        (folder / f"noise-{number}.png").write_bytes(b"no image")
    result = command("fit", "kind", "--labels", folder / "labels.csv", "--images", folder, "--out", tmp_path / "x.npz")
    refused(result, DATA, f"only {EACH - 3} images are labelled 'noise'", "labels left out: 3 unreadable")


@pytest.mark.parametrize(
    ("header", "rows", "message", "hint"),
    [
        (("file", "label"), [("a.png", "x")], "no column 'path'", "file, label"),
        (("path", "class"), [("a.png", "x")], "no column 'label'", "path, class"),
        (("figure_id", "label"), [("a", "x"), ("b", "y")], "no column 'path'", "figure_id"),
        (("path", "label"), [("a.png", "x"), ("b.png", "x")], "all labels", "two classes"),
        (("path", "label"), [("a.png", ""), ("b.png", "")], "no label in", "fill in"),
        (("path", "label"), [("../a.png", "x"), ("b.png", "y")], "'../a.png'", "inside the folder"),
        (("path", "label"), [("/etc/passwd", "x"), ("b.png", "y")], "'/etc/passwd'", "inside the folder"),
        (("path", "label"), [("", "x"), ("b.png", "y")], "empty path", "remove the line"),
        (("path", "label"), [("a.png", "x"), ("a.png", "y")], "two labels of 'a.png'", "line 3"),
        (("path", "label"), [("a.png", "x y"), ("b.png", "y")], "invalid class 'x y'", "letters"),
        (("path", "label"), [("a.png", "x"), ("b.png", "y")], "none of the labelled images", "paths"),
        (("path", "label"), [(f"{i}.png", f"c{i}") for i in range(300)], "300 different labels", "200"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_file_of_labels_that_is_wrong_is_refused_with_what_to_do(
    command: Command,
    drawn: Path,
    tmp_path: Path,
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    message: str,
    hint: str,
) -> None:
    labels = write(tmp_path / "labels.csv", header, rows)
    refused(
        command("fit", "x", "--labels", labels, "--images", drawn, "--out", tmp_path / "x.npz"), DATA, message, hint
    )


def test_a_missing_file_of_labels_and_one_that_is_no_csv_are_refused(
    command: Command, drawn: Path, tmp_path: Path
) -> None:
    out = tmp_path / "x.npz"
    given = command("fit", "x", "--labels", tmp_path / "none.csv", "--images", drawn, "--out", out)
    refused(given, DATA, "missing labels", "path and label")
    (tmp_path / "labels.csv").write_bytes(b"path,label\n\xff\xfe,\x80\n")
    given = command("fit", "x", "--labels", tmp_path / "labels.csv", "--images", drawn, "--out", out)
    refused(given, DATA, "is not a CSV file in UTF-8", "UTF-8")
    refused(command("fit", "x", "--images", drawn, "--out", out), USAGE, "--labels", "--labels")
    given = command("fit", "x", "--labels", drawn / "labels.csv", "--images", tmp_path / "nowhere", "--out", out)
    refused(given, USAGE, "nowhere", "check the path")


@pytest.mark.parametrize("known", ["noise,stripes", "stripes,noise,text"])
def test_classes_that_are_given_must_contain_every_label(
    command: Command, drawn: Path, tmp_path: Path, known: str
) -> None:
    rows = [(path, "strips" if path == "stripes-3.png" else label) for path, label in labelled(drawn)]
    labels = write(tmp_path / "labels.csv", ("path", "label"), rows)
    result = command("fit", "x", "--labels", labels, "--images", drawn, "--classes", known, "--out", tmp_path / "x.npz")
    refused(result, DATA, "unknown class 'strips'", "did you mean 'stripes'?")


# --- a run, a release -------------------------------------------------------------------------------------------------


def measuring(demo: Path, backbone: str = "") -> Path:
    """Writes a recipe that measures the numbers of a head, and runs nothing else."""
    recipe = demo / "measuring.toml"
    recipe.write_text(
        '[run]\nfolder = "measured"\n[source]\nkind = "package"\npath = "corpus/package"\n'
        '[[stage]]\nuse = "image"\n[[stage]]\nuse = "layout"\n[[stage]]\nuse = "embed"\n' + backbone
    )
    return recipe


@pytest.fixture(scope="module")
def measured(new_demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that has the numbers of a head, with labels.csv; not to be changed."""
    from roco.recipes.load import load_recipe

    folder = tmp_path_factory.mktemp("measured") / "demo"
    shutil.copytree(new_demo, folder)
    opened = load_recipe(measuring(folder)).open()
    opened.do(workers=0)
    table = opened.figures(["width", "embedding"])
    ids = [row["figure_id"] for row in table.to_pylist() if row["embedding"]]
    rows = [(figure, "even" if number % 2 else "odd") for number, figure in enumerate(ids[:30])]
    write(folder / "labels.csv", ("figure_id", "label"), rows)
    return folder


def test_labels_of_a_run_use_its_stored_numbers_and_decode_no_image(
    command: Command, measured: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_decoding(data: bytes) -> None:
        raise AssertionError("an image was decoded")

    for module in ("roco.baselines.labelled.decode", "roco.stages.image.decode"):
        monkeypatch.setattr(module, no_decoding)
    result = command(
        "fit", "x", "--labels", measured / "labels.csv", "--run", measured / "measuring.toml",
        "--out", tmp_path / "x.npz", "--json",
    )  # fmt: skip
    assert result.code == DONE
    assert json.loads(result.out)["images"] == 30


def test_labels_of_unknown_figures_are_left_out_and_reported(command: Command, measured: Path, tmp_path: Path) -> None:
    rows = (measured / "labels.csv").read_text() + "PMC1/f1/0,odd\nPMC1/f2/0,even\n"
    (tmp_path / "labels.csv").write_text(rows)
    recipe = measured / "measuring.toml"
    result = command("fit", "x", "--labels", tmp_path / "labels.csv", "--run", recipe, "--out", tmp_path / "x.npz")
    assert result.code == DONE
    assert "left out: 2 labels (unknown figure)" in result.out


def test_a_run_that_lacks_the_numbers_is_refused_with_what_to_do(
    command: Command, measured: Path, demo: Path, tmp_path: Path
) -> None:
    words = ("fit", "x", "--labels", measured / "labels.csv", "--out", tmp_path / "x.npz", "--run")
    refused(command(*words, measuring(demo)), DATA, "", f"roco run {demo / 'measuring.toml'}")
    without = measured / "without.toml"
    without.write_text((measured / "measuring.toml").read_text().replace('[[stage]]\nuse = "embed"\n', ""))
    refused(command(*words, without), DATA, "is not up to date", "roco run")
    refused(command(*words, tmp_path / "none.toml"), USAGE, "none.toml")


def test_a_head_names_the_backbone_of_the_run_whose_numbers_it_was_trained_on(
    command: Command, measured: Path, tmp_path: Path
) -> None:
    other = a_backbone(tmp_path)
    words = ("fit", "x", "--labels", measured / "labels.csv", "--out", tmp_path / "x.npz")
    result = command(*words, "--run", measured / "measuring.toml", "--backbone", other)
    refused(result, USAGE, "the run was embedded by another backbone", "--backbone")


def test_a_column_of_a_release_gives_labels_and_rare_classes_are_left_out(
    command: Command, run: Path, tmp_path: Path
) -> None:
    result = command("fit", "modality", "--release", run / "run" / "release", "--out", tmp_path / "x.npz", "--json")
    assert result.code == DONE
    report = json.loads(result.out)
    assert {"DRXR", "DRCT"} <= set(report["classes"])
    assert "DRPE" not in report["classes"]
    assert sum(report["left_out"].values()) > 0


def test_a_release_without_the_column_or_with_one_label_is_refused(command: Command, run: Path, tmp_path: Path) -> None:
    release, out = run / "run" / "release", tmp_path / "x.npz"
    refused(command("fit", "blurred", "--release", release, "--out", out), DATA, "no column 'blurred'", "modality")
    refused(command("fit", "license", "--release", tmp_path, "--out", out), DATA, "not a release")
    both = command("fit", "modality", "--release", release, "--labels", tmp_path / "labels.csv", "--out", out)
    refused(both, USAGE, "--labels with --release", "omit --labels")
    table = pq.read_table(release / "figures.parquet")
    one = table.set_column(table.column_names.index("modality"), "modality", pa.array(["DRXR"] * len(table)))
    pq.write_table(one, release / "figures.parquet")
    refused(command("fit", "modality", "--release", release, "--out", out), DATA, "fewer than two", "two classes")


# --- the output -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("existing", ["x.npz", "x.json", "x.svg"])
def test_an_existing_file_is_not_overwritten(command: Command, drawn: Path, tmp_path: Path, existing: str) -> None:
    (tmp_path / existing).write_text("mine")
    result = command("fit", "x", "--labels", drawn / "labels.csv", "--images", drawn, "--out", tmp_path / "x.npz")
    refused(result, USAGE, f"{existing} already exists", "--out")
    assert (tmp_path / existing).read_text() == "mine"


def test_output_and_source_are_checked_before_anything_is_read(command: Command, drawn: Path, tmp_path: Path) -> None:
    labels = ("--labels", drawn / "labels.csv")
    refused(command("fit", "x", *labels, "--images", drawn, "--out", tmp_path / "x"), USAGE, ".npz", "--out x.npz")
    refused(command("fit", "x y", *labels, "--images", drawn), USAGE, "invalid name", "letters")
    refused(command("fit", "x", *labels, "--out", tmp_path / "x.npz"), USAGE, "--run, --images and --release")
    both = command("fit", "x", *labels, "--images", drawn, "--release", drawn, "--out", tmp_path / "x.npz")
    refused(both, USAGE, "--run, --images and --release")


# --- the backbone, and a head in a recipe -----------------------------------------------------------------------------


def a_backbone(folder: Path, **changes: object) -> Path:
    """Writes the shipped network with another byte at its end, so that its digest differs, and its card."""
    path = folder / "mine.onnx"
    data = SHIPPED.read_bytes()
    path.write_bytes(data + b"\x72\x00")  # an empty field of the format
    card = json.loads(SHIPPED.with_suffix(".json").read_text())
    card |= {"name": "mine", "sha256": file_digest(path), **changes}
    path.with_suffix(".json").write_text(json.dumps(card))
    return path


def test_a_backbone_that_is_something_else_too_large_or_without_card_is_refused(
    command: Command, drawn: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("fit", "x", "--labels", drawn / "labels.csv", "--images", drawn, "--out", tmp_path / "x.npz")
    path = a_backbone(tmp_path)
    path.write_bytes(b"something else")
    refused(command(*words, "--backbone", path), DATA, "not the file that its card describes", "mine.json")
    card = json.loads(path.with_suffix(".json").read_text())
    path.with_suffix(".json").write_text(json.dumps(card | {"sha256": file_digest(path)}))
    refused(command(*words, "--backbone", path), DATA, "not a valid ONNX model", "export")
    path.with_suffix(".json").unlink()
    refused(command(*words, "--backbone", path), DATA, "missing card of the backbone", "mine.json")
    monkeypatch.setattr("roco.models.images.backbone.MOST_BYTES", 10)
    refused(command(*words, "--backbone", path), DATA, "is larger than", "smaller")
    refused(command(*words, "--backbone", tmp_path / "none.onnx"), DATA, "missing backbone", "check the path")
    assert not (tmp_path / "x.npz").exists()


def test_a_head_for_another_backbone_is_refused_in_a_recipe(
    command: Command, drawn: Path, demo: Path, tmp_path: Path
) -> None:
    words = ("fit", "kind", "--labels", drawn / "labels.csv", "--images", drawn)
    assert command(*words, "--backbone", a_backbone(tmp_path), "--out", demo / "kind.npz").code == DONE
    recipe = measuring(demo, '[[stage]]\nuse = "filter"\nname = "kind"\nhead = "kind.npz"\nkeep = "noise"\n')
    result = command("run", recipe, "--workers", "0")
    refused(result, USAGE, "was trained on embeddings of mine, not of EfficientNet-Lite0", "roco fit")


def test_a_fitted_head_filters_a_run(command: Command, measured: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(measured, tmp_path / "demo")
    words = ("fit", "parity", "--labels", folder / "labels.csv", "--run", folder / "measuring.toml")
    assert command(*words, "--out", folder / "parity.npz").code == DONE
    recipe = measuring(folder, '[[stage]]\nuse = "filter"\nname = "parity"\nhead = "parity.npz"\nkeep = "even"\n')
    assert command("run", recipe, "--workers", "0").code == DONE


def test_a_file_with_tabs_and_spaces_in_its_header_is_read(command: Command, drawn: Path, tmp_path: Path) -> None:
    labels = tmp_path / "labels.csv"
    labels.write_text("path\t label \n" + "".join(f"./{path}\t{label}\n" for path, label in labelled(drawn)))
    result = command("fit", "kind", "--labels", labels, "--images", drawn, "--out", tmp_path / "kind.npz")
    assert result.code == DONE


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("./noise-0.png", "noise"), "two labels of 'noise-0.png'"),
        (("a\0b.png", "noise"), "contains a zero byte"),
        (("a.png", "Noise"), "classes 'Noise' and 'noise' differ only in case"),
    ],
)
def test_a_row_that_would_count_an_image_or_a_class_twice_is_refused(
    command: Command, drawn: Path, tmp_path: Path, row: tuple[str, str], message: str
) -> None:
    labels = write(tmp_path / "labels.csv", ("path", "label"), [*labelled(drawn), row])
    refused(command("fit", "kind", "--labels", labels, "--images", drawn, "--out", tmp_path / "x.npz"), DATA, message)


def test_a_pipe_among_the_images_is_left_out_and_not_waited_for(command: Command, drawn: Path, tmp_path: Path) -> None:
    images = tmp_path / "images"
    shutil.copytree(drawn, images)
    os.mkfifo(images / "pipe.png")
    labels = write(tmp_path / "labels.csv", ("path", "label"), [*labelled(drawn), ("pipe.png", "noise")])
    result = command("fit", "kind", "--labels", labels, "--images", images, "--out", tmp_path / "kind.npz")
    assert (result.code, "left out: 1 label (unreadable)" in result.out) == (DONE, True)


def test_a_place_that_cannot_be_written_is_refused_before_images_are_measured(
    command: Command, drawn: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    out = tmp_path / "file" / "kind.npz"
    result = command("fit", "kind", "--labels", drawn / "labels.csv", "--images", drawn, "--out", out)
    refused(result, DATA, "is not a folder", "--out")
    assert "measured" not in result.err


def test_a_column_of_a_release_whose_values_are_no_names_is_refused(
    command: Command, run: Path, tmp_path: Path
) -> None:
    result = command("fit", "license_url", "--release", run / "run" / "release", "--out", tmp_path / "x.npz")
    refused(result, DATA, "invalid class 'https://")


def test_classes_that_are_given_hold_for_a_release_too(command: Command, run: Path, tmp_path: Path) -> None:
    options = ("--release", run / "run" / "release", "--out", tmp_path / "x.npz", "--classes")
    refused(command("fit", "modality", *options, "DRCT,DRMR"), DATA, "unknown class")
    refused(command("fit", "modality", *options, ","), USAGE, "fewer than two classes")
