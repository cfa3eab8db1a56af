from __future__ import annotations

import csv
import hashlib
import io
import json
import random
import subprocess
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from roco.base.errors import DataError, RecipeError
from roco.base.schema import SPLITS
from roco.base.text import escaped
from roco.release.attribution import attribution, license_address
from roco.release.format import CHECKSUMS, FILES, METADATA
from roco.release.read import verify
from roco.release.writers import csv_cell
from roco.stages.publish.release import Release, _known
from tests.stages.publish.finished import CAPTIONS, Run, publish, text


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return publish(tmp_path_factory.mktemp("run") / "release")


def rows(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as fh:
        return list(csv.reader(fh, strict=True))


# --- ids ---------------------------------------------------------------------------------------------------


def test_ids_are_numbered_from_one_within_each_split() -> None:
    rows = [
        ("b/1", "B", "train"),
        ("a/2", "A", "train"),
        ("a/1", "A", "train"),
        ("c/1", "C", "test"),
        ("d/1", "D", "valid"),
    ]
    table = pa.table(dict(zip(("figure_id", "article_key", "split"), map(list, zip(*rows, strict=True)), strict=True)))
    table = table.append_column("drop", pa.nulls(5, pa.string()))
    table = table.append_column("pinned_id", pa.nulls(5, pa.string()))
    ids = Release(prefix="mine")(table)["id"].to_pylist()
    expected = ["mine_train_000003", "mine_train_000002", "mine_train_000001", "mine_test_000001", "mine_valid_000001"]
    assert ids == expected


def test_both_layouts_give_the_same_ids() -> None:
    package, cloud = (
        [(r["article_key"], r["fig_id"], r["id"]) for r in Run(layout=k).table.to_pylist()]
        for k in ("package", "cloud")
    )
    assert sorted(package) == sorted(cloud)


def test_dropped_figures_have_no_id() -> None:
    table = pa.table(
        {"figure_id": ["a", "b"], "article_key": ["A", "B"], "split": [None, "train"], "drop": ["license", None]}
    ).append_column("pinned_id", pa.nulls(2, pa.string()))
    assert Release()(table)["id"].to_pylist() == [None, "roco_train_000001"]


def test_a_figure_without_a_split_is_an_error_that_names_the_missing_stage() -> None:
    table = pa.table({"figure_id": ["a"], "article_key": ["A"], "split": ["dev"], "drop": pa.nulls(1, pa.string())})
    table = table.append_column("pinned_id", pa.nulls(1, pa.string()))
    with pytest.raises(RecipeError, match="without a split") as caught:
        Release()(table)
    assert "'split'" in caught.value.hint


@pytest.mark.parametrize("prefix", ["", "a/b", "../x", "a b", "COVID", ".hidden", "a,b", "é"])
def test_a_prefix_that_breaks_file_names_or_loaders_is_rejected(prefix: str) -> None:
    with pytest.raises(RecipeError, match="prefix"):
        Release(prefix=prefix)


# --- the files of the paper --------------------------------------------------------------------------------


def test_a_release_is_complete_and_valid(release: Path) -> None:
    assert {path.name for path in release.iterdir()} == {*FILES, METADATA, CHECKSUMS}
    assert verify(release) == []


def test_publishing_twice_gives_the_same_bytes(release: Path, tmp_path: Path) -> None:
    run = Run()
    random.Random(1).shuffle(run.figures)
    again = publish(tmp_path / "again", run)
    for name in (*FILES, METADATA, CHECKSUMS):
        assert (again / name).read_bytes() == (release / name).read_bytes(), name


def test_captions_survive_the_csv_table_with_control_characters_escaped(release: Path) -> None:
    found = [row for split in SPLITS for row in rows(release / f"{split}_captions.csv")[1:]]
    assert sorted(caption for _, caption in found) == sorted(map(escaped, CAPTIONS))


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("train_captions.csv", b"ID,Caption\n"),
        ("valid_concepts.csv", b"ID,CUIs\n"),
        ("test_concepts_manual.csv", b"ID,CUIs\n"),
        ("cui_mapping.csv", b"CUI,Canonical name\n"),
        ("license_information.csv", b"ID,PMCID,Attribution,Link\n"),
    ],
)
def test_headers_are_those_of_the_published_files(release: Path, name: str, header: bytes) -> None:
    data = (release / name).read_bytes()
    assert data.startswith(header)
    assert b"\r\n" not in data


def test_cells_are_quoted_only_where_needed() -> None:
    assert [csv_cell(t) for t in ("plain; text", "a,b", 'a "b"', "a\nb", "a\rb", " ", "")] == [
        "plain; text", '"a,b"', '"a ""b"""', '"a\nb"', '"a\rb"', " ", "",
    ]  # fmt: skip


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0")), min_size=2, max_size=4))
def test_any_text_survives_the_table(cells: list[str]) -> None:
    line = ",".join(map(csv_cell, cells)) + "\n"
    assert list(csv.reader(io.StringIO(line, newline=""), strict=True)) == [cells]


def test_every_image_has_a_row_of_manual_concepts_even_without_any(release: Path) -> None:
    found = {id: cuis for split in SPLITS for id, cuis in rows(release / f"{split}_concepts_manual.csv")[1:]}
    assert len(found) == 12
    assert sorted(found.values()) == [""] * 8 + ["C1306645"] * 4


def test_concepts_keep_their_order(release: Path) -> None:
    found = [cuis for split in SPLITS for _, cuis in rows(release / f"{split}_concepts.csv")[1:]]
    assert sorted(found) == [""] * 4 + ["C0040405"] * 4 + ["C1306645;C0817096"] * 4


def test_every_concept_in_use_has_its_canonical_name(release: Path) -> None:
    found = dict(rows(release / "cui_mapping.csv")[1:])
    assert list(found) == ["C0040405", "C0817096", "C1306645"]
    assert all(found.values())


def test_a_concept_without_a_name_is_an_error(tmp_path: Path) -> None:
    run = Run()
    run.figures[0]["concepts_manual"] = ["C9999999"]
    with pytest.raises(DataError, match="C9999999") as caught:
        publish(tmp_path / "release", run)
    assert "vocabulary" in caught.value.hint


def test_licence_rows_name_the_article_and_link_to_it(release: Path) -> None:
    _, *found = rows(release / "license_information.csv")
    by_article = {pmcid: (credit, link) for _, pmcid, credit, link in found}
    assert len(found) == 12
    assert by_article["PMC9"] == ("CC BY Smith (2015)", "https://pmc.ncbi.nlm.nih.gov/articles/PMC9/")
    assert by_article["PMC10"][0] == "CC BY-NC Smith and Lee (2016)"
    assert by_article["PMC11"][0] == "CC BY Al Mulhim et al. (2017)"


def test_an_article_without_a_pmcid_is_linked_by_its_doi(tmp_path: Path) -> None:
    run = Run(2)
    for row in run.figures:
        row |= {"pmcid": None, "article_key": "10.1/x", "doi": "10.1/x", "authors": None}
    _, *found = rows(publish(tmp_path / "r", run) / "license_information.csv")
    assert found[0][1:] == ["", "CC BY 10.1/x (2015)", "https://doi.org/10.1/x"]
    assert verify(tmp_path / "r") == []


@pytest.mark.parametrize(
    ("authors", "expected"),
    [
        (["Smith, Ann"], "CC BY-NC Smith (2021)"),
        (["Smith, Ann", "Lee, Bo"], "CC BY-NC Smith and Lee (2021)"),
        (["Al Mulhim, C", "Lee, Bo", "Roy, D"], "CC BY-NC Al Mulhim et al. (2021)"),
        (["WHO Study Group"], "CC BY-NC WHO Study Group (2021)"),
        (["WHO\n Study Group", "Lee, Bo"], "CC BY-NC WHO Study Group and Lee (2021)"),
        (["Plato", " ", ", X"], "CC BY-NC Plato (2021)"),
        (["Doe, John, Jr", "Lee, Bo"], "CC BY-NC Doe and Lee (2021)"),
        ([], "CC BY-NC PMC1 (2021)"),
    ],
)
def test_the_attribution_has_the_format_of_the_published_file(authors: list[str], expected: str) -> None:
    assert attribution("CC-BY-NC", authors, 2021, "PMC1") == expected


def test_attribution_csv_contains_what_the_licences_require(release: Path) -> None:
    header, *found = rows(release / "attribution.csv")
    assert header[:3] == ["ID", "Title", "Authors"] and header[-1] == "Changes"
    assert len(found) == 12 and {row[-1] for row in found} == {"none"}
    assert next(row for row in found if row[0] == "roco_train_000001")[2].count(";") in (0, 1, 2)


@pytest.mark.parametrize(
    ("license", "url", "version", "port", "address"),
    [
        ("CC-BY", "http://creativecommons.org/licenses/by/2.0", "2.0", None, "http://creativecommons.org/licenses/by/2.0"),
        ("CC-BY-NC", None, "3.0", "us", "https://creativecommons.org/licenses/by-nc/3.0/us/"),
        ("CC0", None, None, None, "https://creativecommons.org/publicdomain/zero/1.0/"),
        ("CC-BY", None, None, None, ""),
        ("OGL", None, "3.0", None, ""),
    ],
)  # fmt: skip
def test_the_url_of_a_licence_is_that_of_the_article_or_derived_from_its_version(
    license: str, url: str | None, version: str | None, port: str | None, address: str
) -> None:
    row = {"license": license, "license_url": url, "license_version": version, "license_port": port}
    assert license_address(row) == address


def test_an_attribution_without_a_year_contains_nd() -> None:
    assert attribution("CC-BY", ["Smith, A"], None, "PMC1") == "CC BY Smith (n.d.)"


# --- images ------------------------------------------------------------------------------------------------


def test_images_are_stored_unchanged_with_the_extension_of_their_format(release: Path) -> None:
    known = {hashlib.sha256(data).hexdigest() for data in Run().pictures.values()}
    suffixes = set()
    for split in SPLITS:
        with zipfile.ZipFile(release / f"{split}_images.zip") as archive:
            for info in archive.infolist():
                assert info.date_time == (1980, 1, 1, 0, 0, 0) and info.compress_type == zipfile.ZIP_STORED
                assert info.filename.startswith(f"{split}/roco_{split}_000")
                data = archive.read(info)
                known.remove(hashlib.sha256(data).hexdigest())
                suffixes.add((info.filename[-4:], Image.open(io.BytesIO(data)).format))
    assert not known
    assert suffixes == {(".jpg", "JPEG"), (".png", "PNG"), (".tif", "TIFF")}


def test_an_image_that_changed_since_it_was_measured_is_an_error(tmp_path: Path) -> None:
    run = Run()
    run.pictures["PMC10/f2/0"] += b"\0"
    with pytest.raises(DataError, match="PMC10/f2/0"):
        publish(tmp_path / "release", run)


def test_a_missing_image_is_an_error(tmp_path: Path) -> None:
    run = Run()
    run.images = lambda rows: iter(())  # type: ignore[method-assign]
    with pytest.raises(DataError, match="missing image: PMC"):
        publish(tmp_path / "release", run)


# --- beside them -------------------------------------------------------------------------------------------


def test_figures_parquet_has_all_columns_in_the_order_of_the_ids(release: Path) -> None:
    table = pq.read_table(release / "figures.parquet")
    ids = table["id"].to_pylist()
    assert ids == sorted(ids, key=lambda id: (SPLITS.index(id.split("_")[1]), id))
    assert {"title", "caption_raw", "license", "concepts_auto", "width", "file"} <= set(table.column_names)
    assert not {"bytes", "thumbnail", "drop", "drop_detail"} & set(table.column_names)


def test_only_columns_that_a_stage_wrote_are_requested(tmp_path: Path) -> None:
    class Poor(Run):
        @property
        def columns(self) -> tuple[str, ...]:
            return ("split", "id")

        def kept(self, columns: object) -> pa.Table:
            assert set(columns) <= {"split", "id"}  # type: ignore[call-overload]
            return super().kept(list(columns)).slice(0, 0)  # type: ignore[call-overload]

    assert pq.read_table(publish(tmp_path / "r", Poor()) / "figures.parquet")["caption"].to_pylist() == []


def test_dropped_figures_keep_their_reasons_without_text_of_the_article(release: Path) -> None:
    table = pq.read_table(release / "removed.parquet")
    names = [
        "figure_id",
        "article_key",
        "image_key",
        "pmcid",
        "fig_id",
        "file",
        "sha256",
        "stage",
        "drop",
        "drop_detail",
    ]
    assert table.column_names == names
    details = table["drop_detail"].to_pylist()
    assert details[:3] == ["CC-BY-NC-ND", "CONFLICT", "index"]
    assert {"fr 0.93", "truncated JPEG", "courtesy", 'only a label: "…"'} <= set(details)
    assert "Doe" not in str(table.to_pylist())


def test_the_funnel_contains_the_sizes_of_the_splits(release: Path) -> None:
    funnel = json.loads(text(release / "funnel.json"))
    assert sum(funnel["release"].values()) == 12
    assert funnel["stages"] == Run().funnel["stages"]


def test_checksums_are_those_of_sha256sum(release: Path) -> None:
    lines = text(release / "checksums.sha256").splitlines()
    assert [line[66:] for line in lines] == sorted([*FILES, METADATA])
    check = subprocess.run(
        ["sha256sum", "--check", "--strict", "--quiet", "checksums.sha256"], cwd=release, check=False
    )
    assert check.returncode == 0


def test_the_card_has_front_matter_numbers_and_the_funnel(release: Path) -> None:
    card = text(release / "README.md")
    front = card.split("---\n")[1]
    assert "license: other\n" in front and "task_categories:\n- image-to-text" in front
    assert "12 images from 6 articles" in card
    assert "| DRCT X-Ray Computed Tomography |" in card
    assert "| license | decision | 21 | license 2, retracted 1 | 18 |" in card
    assert "10.1038/s41597-024-03496-6" in card


def test_the_card_contains_no_path_of_the_machine(release: Path) -> None:
    card = text(release / "README.md")
    assert "table.csv" in card and "/home" not in card


def test_an_empty_release_has_all_files(tmp_path: Path) -> None:
    folder = publish(tmp_path / "release", Run(0))
    assert {path.name for path in folder.iterdir()} == {*FILES, METADATA, CHECKSUMS}
    assert text(folder / "train_captions.csv") == "ID,Caption\n"
    assert verify(folder) == []


def test_the_text_in_images_is_not_published_but_its_numbers_are() -> None:
    class WithText(Run):
        @property
        def columns(self) -> tuple[str, ...]:
            return (*super().columns, "text_words", "text_lines", "screening")

    published = _known(WithText())
    assert {"text_words", "screening"} <= set(published)
    assert "text_lines" not in published
