"""The demo corpus agrees with its truth.csv, in both layouts, and always has the same bytes."""

from __future__ import annotations

import csv
import hashlib
import importlib.util
import json
import tarfile
from pathlib import Path

import pytest
from lxml import etree
from PIL import Image

from roco.base.errors import DataError
from roco.recipes.demo import articles, real_images, write
from roco.recipes.demo.corpus import MARK
from roco.stages import STAGES

RECIPE = '[source]\nkind = "package"\n'
BROKEN_ARCHIVE, BROKEN_XML = "PMC99000029", "PMC99000030"
RUN_REASONS = {
    *("license", "retracted", "rights", "missing", "no_graphic", "video", "table", "scope", "article"),
    *("caption", "language", "unreadable", "duplicate"),
}
FILTER_REASONS = {"compound", "not_radiology"}
Truth = list[dict[str, str]]


@pytest.fixture(scope="module")
def folder(unrun_demo: Path) -> Path:
    return unrun_demo


@pytest.fixture(scope="module")
def truth(folder: Path) -> Truth:
    with (folder / "corpus/truth.csv").open(encoding="utf-8", newline="") as fh:
        return list(csv.DictReader(fh))


@pytest.fixture(scope="module")
def packages(folder: Path) -> dict[str, dict[str, bytes]]:
    """Returns the files of every readable package, by name."""
    by_pmcid = {}
    for path in (folder / "corpus/package").rglob("*.tar.gz"):
        pmcid = path.name.removesuffix(".tar.gz")
        if pmcid != BROKEN_ARCHIVE:
            with tarfile.open(path) as tar:
                members = {m.name: tar.extractfile(m) for m in tar}
                by_pmcid[pmcid] = {name.removeprefix(pmcid + "/"): fh.read() for name, fh in members.items() if fh}
    return by_pmcid


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replaces the drawings by grey squares, for tests of the folder alone."""
    monkeypatch.setattr(
        articles, "DRAWERS", {name: lambda rng, what: Image.new("L", (64, 64)) for name in articles.DRAWERS}
    )


def tree(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def cloud(folder: Path, pmcid: str) -> Path:
    (place,) = (folder / "corpus/cloud").glob(f"{pmcid}.*")
    return place


def test_the_same_seed_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    write(tmp_path / "again", (folder / "demo.toml").read_text(encoding="utf-8"))
    assert tree(tmp_path / "again") == tree(folder)


def test_another_seed_draws_other_images_for_the_same_articles(folder: Path, tmp_path: Path) -> None:
    write(tmp_path / "two", RECIPE, seed=2)
    ours, other = tree(folder), tree(tmp_path / "two")
    assert ours.keys() == other.keys()
    name = "corpus/cloud/PMC99000001.1/demo-1-g001.jpg"
    assert ours[name] != other[name]
    assert ours["corpus/truth.csv"] == other["corpus/truth.csv"]


def test_both_layouts_contain_the_same_images(folder: Path, packages: dict[str, dict[str, bytes]]) -> None:
    for pmcid, files in packages.items():
        images = {n: data for n, data in files.items() if not n.endswith((".nxml", ".gif"))}
        place = cloud(folder, pmcid)
        assert images == {p.name: p.read_bytes() for p in place.iterdir() if p.suffix not in (".xml", ".json")}
        assert (place / f"{place.name}.xml").read_bytes() in files.values()


def test_every_reason_occurs(truth: Truth) -> None:
    reasons = {row["expect"] for row in truth}
    assert reasons == {"keep"} | RUN_REASONS | FILTER_REASONS
    assert {reason for cls in STAGES.values() for reason in cls.reasons} >= RUN_REASONS


def test_all_seven_modalities_are_among_the_kept_images(truth: Truth) -> None:
    kept = {row["kind"] for row in truth if row["expect"] == "keep"}
    assert kept == {"DRAN", "DRCO", "DRCT", "DRMR", "DRPE", "DRUS", "DRXR", "scintigraphy"}


def test_the_broken_archive_is_unreadable(folder: Path) -> None:
    (path,) = (folder / "corpus/package").rglob(f"{BROKEN_ARCHIVE}.tar.gz")
    with pytest.raises((EOFError, tarfile.ReadError)), tarfile.open(path) as tar:
        tar.getmembers()


def test_every_xml_except_the_broken_one_is_well_formed(packages: dict[str, dict[str, bytes]]) -> None:
    for pmcid, files in packages.items():
        (xml,) = (data for name, data in files.items() if name.endswith(".nxml"))
        if pmcid == BROKEN_XML:
            with pytest.raises(etree.XMLSyntaxError):
                etree.fromstring(xml)
        else:
            assert etree.fromstring(xml).findtext(".//article-id[@pub-id-type='pmcid']") == pmcid


def test_the_truth_lists_exactly_the_files_of_the_packages(truth: Truth, packages: dict[str, dict[str, bytes]]) -> None:
    for pmcid in packages.keys() - {BROKEN_XML}:
        rows = [row for row in truth if row["pmcid"] == pmcid]
        named = {row["file"] for row in rows if row["file"] and row["expect"] != "missing"}
        stems = {name.rsplit(".", 1)[0] for name in named}
        files = {name for name in packages[pmcid] if not name.endswith(".nxml")}
        renditions = {name for name in files - named if name.rsplit(".", 1)[0] in stems}
        assert files == named | renditions
        assert not any(row["file"] in files for row in rows if row["expect"] == "missing")


def test_the_figures_of_the_truth_are_in_the_xml(truth: Truth, packages: dict[str, dict[str, bytes]]) -> None:
    for pmcid in packages.keys() - {BROKEN_XML}:
        (xml,) = (data for name, data in packages[pmcid].items() if name.endswith(".nxml"))
        root = etree.fromstring(xml)
        ids = {str(e.get("id")) for e in root.iter("fig", "table-wrap") if e.get("id")}
        assert ids == {row["fig_id"] for row in truth if row["pmcid"] == pmcid and row["fig_id"]}
        assert {str(x.get("rid")) for x in root.iter("xref")} <= ids


def test_only_the_unreadable_images_cannot_be_decoded(truth: Truth, folder: Path) -> None:
    for row in truth:
        path = cloud(folder, row["pmcid"]) / row["file"]
        if row["real_or_drawn"] == "none" or row["expect"] == "video":
            continue
        try:
            with Image.open(path) as image:
                image.load()
            decoded = True
        except OSError:
            decoded = False
        assert decoded == (row["expect"] != "unreadable"), row


def test_an_exact_duplicate_has_the_bytes_of_an_image_that_is_kept(truth: Truth, folder: Path) -> None:
    digests = {
        (row["expect"], hashlib.sha256((cloud(folder, row["pmcid"]) / row["file"]).read_bytes()).hexdigest())
        for row in truth
        if row["expect"] in ("keep", "duplicate")
    }
    (repeated,) = (digest for expect, digest in digests if expect == "duplicate")
    assert ("keep", repeated) in digests
    assert len(digests) == len([row for row in truth if row["expect"] in ("keep", "duplicate")])


def test_index_and_metadata_agree_and_one_xml_contradicts_them(folder: Path) -> None:
    with (folder / "corpus/package/oa_file_list.csv").open(encoding="utf-8", newline="") as fh:
        index = {row["Accession ID"]: row for row in csv.DictReader(fh)}
    for pmcid, row in index.items():
        place = cloud(folder, pmcid)
        metadata = json.loads((place / f"{place.name}.json").read_text(encoding="utf-8"))
        assert (metadata["license_code"], metadata["is_retracted"]) == (row["License"], row["Retracted"] == "yes")
        flat = folder / "corpus/cloud/metadata" / f"{place.name}.json"
        assert json.loads(flat.read_text(encoding="utf-8")) == metadata
        assert (folder / "corpus/package" / row["File"]).is_file()
    xml = etree.parse(str(next((folder / "corpus/cloud").glob("PMC99000019.1/*.xml"))))
    assert index["PMC99000019"]["License"] == "CC BY"
    assert b"licenses/by-nc-nd/4.0/" in etree.tostring(xml)


def test_the_md5_in_the_metadata_is_that_of_the_file(folder: Path) -> None:
    place = cloud(folder, "PMC99000009")
    metadata = json.loads((place / f"{place.name}.json").read_text(encoding="utf-8"))
    assert place.name == "PMC99000009.2"
    for url in [metadata["xml_url"], *metadata["media_urls"]]:
        name, _, md5 = url.rpartition("/")[2].partition("?md5=")
        assert hashlib.md5((place / name).read_bytes()).hexdigest() == md5


def test_without_the_extra_the_corpus_has_drawings_only_and_a_hint(
    quick: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(real_images.importlib.util, "find_spec", lambda name: None)
    summary = write(tmp_path / "bare", RECIPE)
    assert summary.real == 0
    assert "pip install '.[demo]'" in summary.hint
    assert "None: install" in (tmp_path / "bare/corpus/README.md").read_text(encoding="utf-8")
    assert summary.articles == 31


@pytest.mark.skipif(not importlib.util.find_spec("data_store"), reason="the extra [demo] is not installed")
def test_with_the_extra_the_corpus_contains_real_images(folder: Path, truth: Truth) -> None:
    assert sum(row["real_or_drawn"] == "real" for row in truth) == len(real_images.REAL)
    assert "pydicom-data 1" in (folder / "corpus/README.md").read_text(encoding="utf-8")


def test_the_corpus_is_small(folder: Path) -> None:
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < 6e6


def test_a_folder_with_other_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(DataError) as caught:
        write(tmp_path, RECIPE)
    assert caught.value.hint
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_corpus_of_the_user_is_refused(tmp_path: Path) -> None:
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus/README.md").write_text("my own corpus")
    with pytest.raises(DataError):
        write(tmp_path, RECIPE)


def test_a_file_instead_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError):
        write(tmp_path / "file", RECIPE)


def test_writing_again_repairs_the_corpus_and_keeps_recipe_and_runs(quick: None, tmp_path: Path) -> None:
    place = tmp_path / "demo"
    write(place, RECIPE)
    before = tree(place / "corpus")
    (place / "demo.toml").write_text("# mine")
    (place / "run").mkdir()
    (place / "corpus/truth.csv").unlink()
    (place / ".corpus.part").mkdir()  # of a killed call
    write(place, RECIPE)
    assert tree(place / "corpus") == before
    assert (place / "demo.toml").read_text() == "# mine"
    assert sorted(path.name for path in place.iterdir()) == ["corpus", "demo.toml", "run"]


def test_a_file_of_the_user_in_the_corpus_is_not_deleted(quick: None, tmp_path: Path) -> None:
    write(tmp_path, RECIPE)
    notes = tmp_path / "corpus/package/notes.txt"
    notes.write_text("mine")
    with pytest.raises(DataError, match="unexpected file in the demo corpus"):
        write(tmp_path, RECIPE)
    assert notes.read_text() == "mine"


def test_the_folder_of_a_killed_call_can_be_used(quick: None, tmp_path: Path) -> None:
    (tmp_path / ".corpus.part/package").mkdir(parents=True)
    write(tmp_path, RECIPE)
    assert (tmp_path / "corpus/README.md").read_text(encoding="utf-8").startswith(MARK)
    assert (tmp_path / "demo.toml").read_text() == RECIPE
