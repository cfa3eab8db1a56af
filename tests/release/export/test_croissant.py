"""croissant.json: a description of a release from which mlcroissant loads its images and tables."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from roco.base.errors import DataError, UsageError
from roco.release.export.formats import export
from roco.release.export.options import ExportOptions
from roco.release.metadata import Creator, Metadata
from roco.stages.publish.release import Release
from tests.mlcroissant import read_croissant
from tests.release.export.conftest import figures
from tests.stages.publish.finished import Run, publish

COMPLETE = Metadata(
    title="Radiology of two journals",
    description="Made up for tests.",
    version="1.2.0",
    date="2026-11-30",
    doi="10.5281/zenodo.123",
    creators=(Creator(name="Doe, Jane", orcid="0000-0002-1825-0097", affiliation="A clinic"), Creator(name="A group")),
)


def described(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "croissant.json").read_text()))


def test_files_have_the_checksums_and_sizes_of_the_release(small: Path, tmp_path: Path) -> None:
    export(small, "croissant", tmp_path / "out")
    files = [one for one in described(tmp_path / "out")["distribution"] if one["@type"] == "cr:FileObject"]
    assert {"figures.parquet", "train_images.zip", "attribution.csv"} <= {one["@id"] for one in files}
    for one in files:
        data = (small / one["@id"]).read_bytes()
        assert one["sha256"] == hashlib.sha256(data).hexdigest()
        assert one["contentSize"] == f"{len(data)} B"


def test_the_addresses_of_two_releases_differ(small: Path, tmp_path: Path) -> None:
    other = publish(tmp_path / "other", Run(figures=10))
    addresses = []
    for number, release in enumerate((small, other)):
        export(release, "croissant", tmp_path / f"{number}")
        files = described(tmp_path / f"{number}")["distribution"]
        addresses.append({one["contentUrl"] for one in files if "contentUrl" in one})
    assert addresses[0] & addresses[1] == set()


def test_a_published_release_is_described_by_its_address(small: Path, tmp_path: Path) -> None:
    url = "https://data.example.org/records/7/files"
    export(small, "croissant", tmp_path / "out", ExportOptions(url=url))
    found = described(tmp_path / "out")
    assert found["url"] == url
    addresses = {one["contentUrl"] for one in found["distribution"] if "contentUrl" in one}
    assert f"{url}/train_images.zip" in addresses
    with pytest.raises(UsageError, match="invalid address"):
        ExportOptions(url="data.example.org")


def test_title_creators_version_and_doi_are_those_that_the_publisher_stated(tmp_path: Path) -> None:
    release = publish(tmp_path / "release", Run(release=Release(metadata=COMPLETE)))
    export(release, "croissant", tmp_path / "out")
    found = described(tmp_path / "out")
    assert (found["name"], found["version"], found["datePublished"]) == (COMPLETE.title, "1.2.0", "2026-11-30")
    assert found["identifier"] == "https://doi.org/10.5281/zenodo.123"
    assert [one["@type"] for one in found["creator"]] == ["sc:Person", "sc:Organization"]
    assert "author = {Doe, Jane and {A group}}" in found["citeAs"]


def test_licences_and_responsible_ai_are_stated(small: Path, tmp_path: Path) -> None:
    export(small, "croissant", tmp_path / "out")
    found = described(tmp_path / "out")
    assert len(found["license"]) == len({row["license"] for row in figures(small)})
    for name in ("Limitations", "Biases", "UseCases", "SocialImpact"):
        assert found[f"rai:data{name}"]
    assert found["rai:personalSensitiveInformation"] and found["rai:hasSyntheticData"] is False
    assert found["prov:wasDerivedFrom"] and found["prov:wasGeneratedBy"]
    fields = {field["@id"] for field in found["recordSet"][2]["field"]}
    assert {"figures/license", "figures/license_url", "figures/authors", "figures/title"} <= fields
    assert (tmp_path / "out" / "attribution.csv").read_bytes() == (small / "attribution.csv").read_bytes()


def test_a_release_whose_images_were_changed_is_not_described(release: Path, tmp_path: Path) -> None:
    with (release / "train_images.zip").open("r+b") as fh:
        fh.seek(60)
        fh.write(b"?")
    with pytest.raises(DataError, match=r"the release was changed: checksum of .*train_images.zip"):
        export(release, "croissant", tmp_path / "out")
    assert not (tmp_path / "out" / "croissant.json").exists()


@pytest.mark.slow
@pytest.mark.parametrize("about", [COMPLETE, Metadata()], ids=["with-metadata", "without"])
def test_mlcroissant_loads_every_image_with_its_bytes(tmp_path: Path, about: Metadata) -> None:
    release = publish(tmp_path / "release", Run(release=Release(metadata=about)))
    out = export(release, "croissant", tmp_path / "out").folder
    digest = hashlib.sha256((release / "checksums.sha256").read_bytes()).hexdigest()
    (out / f"release-{digest[:12]}").symlink_to(release)
    issues, images = read_croissant(out / "croissant.json", tmp_path / "home")
    missing = [issue.partition("schema.org/")[2].partition('"')[0] for issue in issues if "is recommended" in issue]
    assert len(missing) == len(issues)
    assert {"version", "datePublished"} <= set(missing) if about == Metadata() else issues == []
    rows = figures(release)
    assert images == {row["id"]: [row["sha256"], row["split"], row["caption"]] for row in rows}


@pytest.mark.parametrize(
    ("format", "options", "message", "hint"),
    [
        ("hf", ExportOptions(url="https://data.example.org/7"), "--url with the format hf", "on croissant only"),
        ("coco", ExportOptions(shard_mb=4), "--shard-mb with the format coco", "on hf and webdataset only"),
        ("croissant", ExportOptions(image_url="https://a/{path}"), "--image-url with the", "on labelstudio only"),
    ],
)
def test_an_option_without_effect_is_refused(
    small: Path, tmp_path: Path, format: str, options: ExportOptions, message: str, hint: str
) -> None:
    with pytest.raises(UsageError, match=message) as error:
        export(small, format, tmp_path / "out", options)
    assert hint in error.value.hint
    assert not (tmp_path / "out").exists()
