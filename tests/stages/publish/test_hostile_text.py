"""Text from outside with characters that hide or reorder text: none reaches a file of a release or the terminal.

Every text and every attribute of an article, every name of a package and its members, and every value of its metadata
contains them; also those of a dataset that is read again.
"""

from __future__ import annotations

import csv
import io
import json
import os
import unicodedata
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import roco
from roco.base.sealed_tables import read_table
from roco.cli.main import app
from roco.release.read import verify
from tests.attacks.packing import image, packed, tar

BIDI = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"
INVISIBLE = "\u200b\u200c\u200d\u2060\u2061\u2064\ufeff\u00ad\u180e\ufff9\ufffb\U000e0001\U000e0041\U000e007f"
C1 = "\x7f\x80\x85\x9b\x9d\x9f"
BREAKS = "\u2028\u2029"
IN_XML = BIDI + INVISIBLE + C1 + BREAKS
IN_NAMES = f"\x1b\x07{IN_XML}\n\r\t"


def is_hidden(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")


def hostile(text: str, characters: str = IN_XML) -> str:
    """Returns the text with all characters in each of its words, and those that are white space after it."""
    inside = "".join(character for character in characters if not character.isspace())
    breaks = "".join(character for character in characters if character.isspace())
    return " ".join(f"{word[:1]}{inside}{word[1:]}{breaks}" for word in text.split(" "))


def article(number: int, href: str) -> bytes:
    """Returns an article whose texts and attributes all contain such characters; attributes also line breaks."""
    x, attribute = hostile, lambda text: hostile(text).replace(" ", "&#10;&#13;&#9; ")
    license = "https://creativecommons.org/licenses/by/4.0/"
    return f"""<article xmlns:xlink="http://www.w3.org/1999/xlink" article-type="{attribute("case report")}"
xml:lang="en"><front><journal-meta><journal-title-group><journal-title>{x("Journal of Tests")}</journal-title>
</journal-title-group></journal-meta><article-meta>
<article-id pub-id-type="pmid">{x(f"1234{number}")}</article-id>
<article-id pub-id-type="doi">{x(f"10.9999/case.{number}")}</article-id>
<title-group><article-title>{x("A made-up case")}</article-title></title-group>
<contrib-group><contrib contrib-type="author"><name><surname>{x("Roe")}</surname><given-names>{x("Ann")}</given-names>
<suffix>{x("Jr")}</suffix></name></contrib><contrib contrib-type="author"><collab>{x("A Group")}</collab></contrib>
</contrib-group><pub-date pub-type="{attribute("epub")}"><year>{x("2020")}</year></pub-date>
<pub-date pub-type="ppub"><year>2021</year></pub-date>
<permissions><copyright-statement>{x("© 2020 Ann Roe")}</copyright-statement>
<license license-type="{attribute("open-access")}" xlink:href="{license}{IN_XML}">
<license-p>{x("CC BY 4.0")}</license-p>
</license></permissions>
<related-article related-article-type="{attribute("companion")}"
ext-link-type="uri" xlink:href="{attribute("a b")}"/>
<kwd-group><title>{x("Keywords")}</title><kwd>{x("lung cyst")}</kwd></kwd-group></article-meta></front>
<body><sec><title>{x("Case report")}</title>
<p>{x("A cyst was seen in")} <xref ref-type="fig" rid="f{number}">{x("Fig. 1")}
</xref> {x("on the left.")}</p><fig id="f{number}"><label>{x("Figure 1")}</label>
<caption><title>{x(f"Axial CT {number}.")}</title><p>{x("It shows a cyst")}
in the chest.</p></caption><graphic xlink:href="{href}"/><attrib>{x("Picture by Ann Roe")}</attrib></fig>
<fig id="{attribute("v 1")}"><caption><p>{x("A film")}</p></caption><media mimetype="video"
xlink:href="{attribute("a film.mov")}"/></fig><fig id="m1"><caption><p>{x("Lost")}</p></caption>
<graphic xlink:href="{attribute("lost picture.jpg")}"/></fig></sec></body></article>""".encode()


def corpus(folder: Path, layout: str) -> None:
    """Writes four articles; the names of archives and images contain such characters, too."""
    for number in range(4):
        picture = image(shade=number)
        if layout == "folder":
            members = {f"a/{hostile('a', IN_NAMES)}.nxml": article(number, f"g{number}"), f"a/g{number}.jpg": picture}
            members |= {f"a/{hostile('h', IN_NAMES)}{number}.jpg": image(shade=50 + number)}
            undecodable = os.fsdecode(b"\xe9") if number == 3 else ""
            path = folder / f"{hostile('case', IN_NAMES)}{number}{undecodable}.tar.gz"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(packed(tar(members)))
            (folder / f"{undecodable}{number}.rar").write_bytes(b"Rar!")
        else:
            key = f"PMC{number + 1}.1"
            text = hostile("A case", f"{IN_NAMES}\x00\ud83d\udfff")
            facts = dict.fromkeys(("title", "doi", "citation", "license_code", "pmid", "journal"), text)
            media = [f"s3://bucket/{key}/g{number}.jpg", f"s3://bucket/{key}/{hostile('lost', IN_NAMES)}.jpg"]
            facts |= {"pmcid": f"PMC{number + 1}", "version": 1, "license_code": "CC BY", "media_urls": media}
            (folder / key).mkdir(parents=True)
            (folder / key / f"{key}.json").write_text(json.dumps(facts))
            (folder / key / f"{key}.xml").write_bytes(article(number, f"g{number}.jpg"))
            (folder / key / f"g{number}.jpg").write_bytes(picture)


RECIPE = """[run]
folder = "run"
[source]
kind = "{kind}"
path = "source"
"""
STAGES = "".join(
    f'[[stage]]\nuse = "{name}"\n'
    for name in ("license", "rights", "caption", "image", "dedup", "merge", "split", "release")
)


def run(folder: Path, kind: str) -> Path:
    (folder / "recipe.toml").write_text(RECIPE.format(kind=kind) + STAGES)
    roco.load_recipe(folder / "recipe.toml").run(workers=0)
    return folder / "run" / "release"


@pytest.fixture(scope="module", params=["folder", "cloud", "release"])
def release(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "release":
        dataset(folder / "source")
    else:
        corpus(folder / "source", request.param)
    return run(folder, request.param)


def dataset(folder: Path) -> None:
    """Writes a dataset in the published layout whose tables contain such characters."""
    folder.mkdir()
    ids = {split: f"ROCOv2_{split}_000001" for split in ("train", "valid", "test")}
    names = []
    for n, (split, id) in enumerate(ids.items()):
        with zipfile.ZipFile(folder / f"{split}_images.zip", "w") as archive:
            archive.writestr(f"{split}/{id}.jpg", image(shade=n))
        text = hostile("Axial CT of the chest.", IN_NAMES).replace("\r", "").replace("\n", "\n ")
        write(folder / f"{split}_captions.csv", ["ID", "Caption"], [[id, text]])
        write(folder / f"{split}_concepts.csv", ["ID", "CUIs"], [[id, "C0040405"]])
        write(folder / f"{split}_concepts_manual.csv", ["ID", "CUIs"], [[id, ""]])
        names.append([id, f"PMC{n + 1}", f"CC BY {hostile('Roe', IN_XML)} (2020)", "https://example.org"])
    write(folder / "license_information.csv", ["ID", "PMCID", "Attribution", "Link"], names)
    write(folder / "cui_mapping.csv", ["CUI", "Canonical name"], [["C0040405", "X-Ray Computed Tomography"]])


def write(path: Path, header: list[str], rows: list[list[str]]) -> None:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([header, *rows])
    path.write_text(out.getvalue(), encoding="utf-8", newline="")


def texts(value: Any) -> Iterator[str]:
    """Yields all texts in nested values."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from texts(key)
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)


def hidden_in(texts: Iterator[str]) -> set[str]:
    return {f"U+{ord(c):04X} in {text[:60]!a}" for text in texts for c in text if is_hidden(c)}


def test_no_column_of_a_parquet_file_contains_a_hidden_character(release: Path) -> None:
    found = {}
    for path in sorted(release.glob("*.parquet")):
        table = pq.read_table(path)
        for name in table.column_names:
            found[path.name, name] = hidden_in(texts(table[name].to_pylist()))
    assert {place: characters for place, characters in found.items() if characters} == {}


def test_no_other_file_contains_a_hidden_character(release: Path) -> None:
    found = {}
    for path in sorted(release.iterdir()):
        if path.suffix in (".parquet", ".zip"):
            continue
        lines = path.read_bytes().decode().split("\n")
        found[path.name] = hidden_in(iter(lines))
        if path.suffix == ".json":
            assert json.loads(path.read_text(encoding="utf-8")) is not None
    assert {name: characters for name, characters in found.items() if characters} == {}


def test_the_release_has_all_images_with_readable_texts_and_is_valid(release: Path) -> None:
    assert verify(release) == []
    rows = pq.read_table(release / "figures.parquet").to_pylist()
    assert len(rows) >= 3
    for row in rows:
        assert row["caption"].startswith("Axial CT") and row["caption_raw"].startswith("Axial CT")
        assert "Roe" in row["authors"][0]


def test_names_are_escaped_so_that_no_two_become_one(release: Path) -> None:
    rows = pq.read_table(release / "removed.parquet").to_pylist()
    names = [row["file"] for row in rows if row["file"]]
    if names:
        assert len(set(names)) == 3 and all(r"\x1b\x07" in name and r"\n" in name for name in names)


@pytest.mark.parametrize("verb", ["status", "articles", "show"])
def test_no_hidden_character_is_printed(release: Path, verb: str) -> None:
    recipe = release.parent.parent / "recipe.toml"
    figures = roco.load_recipe(recipe).open().figures(["figure_id"]).to_pylist()
    for more in ([], ["--json"]):
        words = [verb, str(recipe), *([figures[0]["figure_id"]] if verb == "show" else []), *more]
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, done.output
        assert hidden_in(iter(done.output.split("\n"))) == set()


@pytest.mark.parametrize("release", ["folder"], indirect=True)
def test_files_whose_names_are_not_utf8_are_counted_and_do_not_stop_the_run(release: Path) -> None:
    counts = json.loads((release.parent / "funnel.json").read_text())["counts"]
    assert (counts["not_read RAR archive"], counts["articles_unreadable"]) == (4, 1)
    [articles] = (release.parent / "measures").glob("extract-*")
    details = [row["drop_detail"] for path in articles.glob("*.parquet") for row in read_table(path)[0].to_pylist()]
    assert sum("is not in UTF-8" in (detail or "") for detail in details) == 1
