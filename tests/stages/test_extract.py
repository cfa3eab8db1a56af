"""Articles become figures."""

from __future__ import annotations

import csv
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from roco.base.schema import ARTICLES
from roco.sources.jats.text import plain_caption
from roco.sources.matching import Images
from roco.stages.extract import Extract

XLINK = 'xmlns:xlink="http://www.w3.org/1999/xlink"'
BY = '<permissions><license xlink:href="http://creativecommons.org/licenses/by/4.0/"/></permissions>'


def xml(body: str = "", meta: str = BY) -> bytes:
    return f"<article {XLINK}><front><article-meta>{meta}</article-meta></front><body>{body}</body></article>".encode()


def fig(href: str = "f1", id: str = "f1") -> str:
    return f'<fig id="{id}"><caption><p>CT of {id}.</p></caption><graphic xlink:href="{href}"/></fig>'


def unit(body: str | bytes | None = "", files: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    return {
        "article": "PMC1",
        "place": "00/PMC1.tar.gz",
        "origin": "package",
        "facts": '{"license": "CC BY"}',
        "xml_name": "main.nxml",
        "xml": xml(body) if isinstance(body, str) else body,
        "files": [{"name": n, "size": 1} for n in ("main.nxml", *files)],
        "error": None,
    } | more


def extract(*units: dict[str, Any]) -> tuple[list[dict[str, Any]], dict[str, dict[str, int]]]:
    out = Extract()(pa.Table.from_pylist(list(units), schema=ARTICLES))
    assert {f.name: f.type for f in out.figures.schema} == Extract.writes
    rows, counts = out.figures.to_pylist(), out.counts
    assert len({(r["archive"], r["figure_id"]) for r in rows}) == len(rows)
    for place, count in counts.items():
        files = {r["file"] for r in rows if r["archive"] == place and r["file"]}
        assert count["images_in_packages"] == count["renditions"] + len(files)
    return rows, counts


def test_a_figure_becomes_a_row_with_its_article_and_file() -> None:
    (row,), counts = extract(unit(fig(), ("f1.jpg", "f1.gif"), facts='{"license": "CC BY", "version": 2, "pmid": "9"}'))
    assert (row["figure_id"], row["article_key"], row["file"]) == ("PMC1.2/f1/0", "PMC1", "f1.jpg")
    assert (row["license"], row["license_evidence"]) == ("CC-BY", "index CC BY; href by/4.0")
    assert (row["drop"], row["pmid"], row["n_images_in_package"]) == (None, "9", 2)
    assert counts["00/PMC1.tar.gz"]["renditions"] == 1


def test_a_referenced_image_without_a_file_is_missing() -> None:
    (row,), _ = extract(unit(fig("f9")))
    assert (row["drop"], row["drop_detail"], row["caption"]) == ("missing", "f9", "CT of f1.")


def test_an_image_that_no_figure_references_is_a_row_too() -> None:
    rows, _ = extract(unit(fig(), ("f1.jpg", "x.jpg", "x.gif", "paper.pdf")))
    assert [(r["figure_id"], r["file"], r["drop"], r["drop_detail"]) for r in rows[1:]] == [
        ("PMC1/file-1/0", "x.jpg", "scope", "not referenced by any figure")
    ]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"error": "gzip: CRC does not match", "xml": None}, "gzip: CRC does not match"),
        ({"xml": None}, "no article XML in the package"),
        ({"xml": b"<article>"}, "XML: "),
        ({"xml": xml(meta='<article-id pub-id-type="pmc">2</article-id>')}, "XML of PMC2 instead of PMC1"),
    ],
)
def test_an_article_that_cannot_be_read_is_one_row(change: dict[str, Any], reason: str) -> None:
    (row,), counts = extract(unit(fig(), ("f1.jpg",), **change))
    assert (row["figure_id"], row["drop"], row["archive"]) == ("PMC1/article/0", "article", "00/PMC1.tar.gz")
    assert row["drop_detail"].startswith(reason) and row["caption"] is None
    assert counts["00/PMC1.tar.gz"]["articles_unreadable"] == 1 and counts["00/PMC1.tar.gz"]["images_unread"] == 1


def test_archives_inside_a_package_without_an_article_are_reported() -> None:
    (row,), _ = extract(unit(None, ("PMC1.tar.gz", "f1.jpg")))
    assert row["drop_detail"] == "no article XML in the package, but archives, which are not read: unpack it"


def test_ids_that_occur_twice_get_a_number() -> None:
    rows, _ = extract(unit(fig() + fig("f2"), ("f1.jpg", "f2.jpg")))
    assert [r["figure_id"] for r in rows] == ["PMC1/f1/0", "PMC1/f1~2/0"]


def test_special_characters_in_ids_are_escaped() -> None:
    (row,), _ = extract(unit(fig(id="f 1/é"), ("f1.jpg",)))
    assert row["figure_id"] == "PMC1/f%201%2F%C3%A9/0" and row["fig_id"] == "f 1/é"


def test_a_file_that_two_figures_reference_is_in_two_rows() -> None:
    rows, _ = extract(unit(fig() + fig(id="f2"), ("f1.jpg",)))
    assert [r["file"] for r in rows] == ["f1.jpg", "f1.jpg"]


def test_two_articles_of_one_package_have_ids_of_their_own() -> None:
    other = xml(fig("b1"), BY + '<article-id pub-id-type="doi">10.1000/B</article-id>')
    package: dict[str, Any] = {"article": "two.zip", "place": "two.zip", "facts": None}
    files = ("a1.jpg", "b1.jpg")
    rows, counts = extract(
        unit(fig("a1"), files, xml_name="a.xml", **package), unit(other, files, xml_name="b.xml", **package)
    )
    assert [(r["figure_id"], r["article_key"], r["file"]) for r in rows] == [
        ("two.zip+a/f1/0", "two.zip+a", "a1.jpg"),
        ("two.zip+b/f1/0", "10.1000/b", "b1.jpg"),
    ]
    assert counts["two.zip"]["articles"] == 2 and counts["two.zip"]["images_in_packages"] == 2


def article(number: int, href: str = "f1.jpg") -> str:
    return xml(fig(href), f'{BY}<article-id pub-id-type="pmc">{number}</article-id>').decode()


def in_a_folder(name: str, document: str, files: tuple[str, ...] = ()) -> dict[str, Any]:
    place: dict[str, Any] = {"article": name, "place": name, "origin": "folder", "facts": "{}", "xml_name": name}
    return unit(document.encode(), files, **place)


def test_all_articles_of_a_set_are_read_each_with_the_images_in_its_own_folder() -> None:
    articles = f"<articles>{article(1)}{article(2)}{article(3, 'f3.jpg')}</articles>"
    files = ("PMC1/f1.jpg", "img/pmc2/f1.jpg", "f3.jpg")
    rows, counts = extract(in_a_folder("set.xml", articles, files))
    assert [(r["article_key"], r["file"]) for r in rows] == [
        ("PMC1", "PMC1/f1.jpg"),
        ("PMC2", "img/pmc2/f1.jpg"),
        ("PMC3", "f3.jpg"),
    ]
    assert counts["set.xml"]["articles"] == 3


def test_an_article_of_a_set_gets_no_image_of_another_one() -> None:
    rows, _ = extract(in_a_folder("set.xml", f"<articles>{article(1)}{article(2)}</articles>", ("PMC1/f1.jpg",)))
    assert [(r["file"], r["drop"]) for r in rows] == [("PMC1/f1.jpg", None), (None, "missing")]
    rows, _ = extract(in_a_folder("set.xml", f"<articles>{article(1)}{article(2)}</articles>", ("f1.jpg",)))
    assert [r["drop"] for r in rows] == ["missing", "missing", "scope"]
    assert rows[0]["drop_detail"] == "f1.jpg; another figure matches f1.jpg at least as well"


def test_names_from_hostile_archives_are_assigned_as_well() -> None:
    folders = ("/", "/tmp/", "../", "a//", "d/" * 2000, "C:\\", "PMC1\\x\\")
    files = tuple(f"{folder}f1.jpg" for folder in folders)
    rows, _ = extract(in_a_folder("set.xml", f"<articles>{article(1)}{article(2)}</articles>", files))
    assert [r["file"] for r in rows][:2] == ["PMC1\\x\\f1.jpg", None]


def test_articles_of_a_set_without_ids_have_ids_of_their_own() -> None:
    articles = f"<articles>{xml(fig('a')).decode()}{xml(fig('b')).decode()}</articles>"
    rows, _ = extract(in_a_folder("set.xml", articles, ("a.jpg", "b.jpg")))
    assert [(r["figure_id"], r["article_key"]) for r in rows] == [
        ("set.xml+1/f1/0", "set.xml+1"),
        ("set.xml+2/f1/0", "set.xml+2"),
    ]


def test_of_a_set_in_the_package_of_one_article_only_that_article_is_read() -> None:
    rows, counts = extract(unit(f"<articles>{article(2)}{article(1)}</articles>".encode(), ("f1.jpg",)))
    assert [(r["pmcid"], r["drop"], r["drop_detail"]) for r in rows] == [
        ("PMC1", "article", "XML of PMC2 instead of PMC1"),
        ("PMC1", None, None),
    ]
    assert counts["00/PMC1.tar.gz"]["articles_unreadable"] == 1


def test_other_documents_are_counted_apart_and_change_no_id() -> None:
    package: dict[str, Any] = {"article": "p.zip", "place": "p.zip", "origin": "folder", "facts": "{}"}
    lists = [unit(f"<{name}/>".encode(), ("f1.jpg",), xml_name=f"{name}.xml", **package) for name in ("a", "b")]
    rows, counts = extract(lists[0], unit(xml(fig()), ("f1.jpg",), **package), lists[1])
    assert [(r["figure_id"], r["file"]) for r in rows] == [("p.zip/f1/0", "f1.jpg")]
    assert (counts["p.zip"]["articles"], counts["p.zip"]["articles_unreadable"]) == (1, 0)
    assert counts["p.zip"]["xml_without_article"] == 2


def test_a_document_beside_an_article_in_a_folder_is_no_article_and_has_no_images() -> None:
    rows, counts = extract(in_a_folder("manifest.xml", "<manifest/>", ("f1.jpg",)))
    assert rows == []
    assert (
        counts["manifest.xml"] | {"xml_without_article": 1, "articles": 0, "images_unread": 0} == counts["manifest.xml"]
    )


def test_a_document_in_place_of_an_article_that_the_source_lists_is_unreadable() -> None:
    (row,), counts = extract(unit(b"<manifest/>"))
    assert (row["drop"], row["drop_detail"]) == ("article", "no article XML in the package")
    assert "xml_without_article" not in counts["00/PMC1.tar.gz"]
    (row,), counts = extract(unit(b"<manifest/>", ("f1.jpg",)), unit(fig(), ("f1.jpg",), xml_name="a.xml"))
    assert row["drop"] is None
    assert counts["00/PMC1.tar.gz"]["xml_without_article"] == 1


def test_two_figures_named_by_stem_and_by_extension_have_two_files() -> None:
    rows, _ = extract(unit(fig("a.gif", "f1") + fig("a.jpg", "f2"), ("a.gif", "a.jpg")))
    assert [(r["fig_id"], r["file"], r["drop"]) for r in rows] == [("f1", "a.gif", None), ("f2", "a.jpg", None)]
    rows, _ = extract(unit(fig("a.gif", "f1") + fig("a.jpg", "f2"), ("a.jpg",)))
    assert [(r["file"], r["drop"]) for r in rows] == [(None, "missing"), ("a.jpg", None)]


def test_the_source_can_report_a_retraction_and_the_year() -> None:
    (row,), _ = extract(unit(fig(), facts='{"retracted": true, "citation": "J Case. 2015 Apr 3; 1(1):1-2"}'))
    assert row["retracted"] is True and row["year"] == 2015


def test_an_empty_batch_has_all_columns() -> None:
    assert extract() == ([], {})


@pytest.mark.parametrize(
    ("href", "files", "found"),
    [
        ("f1.jpg", ("f1.jpg",), "f1.jpg"),
        ("f1.tif", ("f1.tif", "f1.jpg"), "f1.tif"),
        ("f1", ("f1.gif", "f1.tif", "f1.jpg"), "f1.jpg"),
        ("f1.gif", ("f1.gif", "f1.jpg"), "f1.jpg"),  # a thumbnail
        ("f1.gif", ("f1.gif",), "f1.gif"),
        ("f1.eps", ("f1.png",), "f1.png"),
        ("F1.JPG", ("f1.jpg",), "f1.jpg"),
        ("f1", ("F1.JPG",), "F1.JPG"),
        ("f1", ("f1.jpg", "F1.jpg"), "f1.jpg"),
        ("fX", ("fx.jpg", "Fx.jpg"), None),
        ("CRIM.SURGERY2013-642394.002", ("CRIM.SURGERY2013-642394.002.jpg",), "CRIM.SURGERY2013-642394.002.jpg"),
        ("CRIM.2013.002", ("CRIM.2013.jpg",), None),
        ("a%20(2)_1-f1.jpg", ("a (2)_1-f1.jpg",), "a (2)_1-f1.jpg"),
        ("100%.jpg", ("100%.jpg",), "100%.jpg"),
        ("https://x.org/y/f1.jpg?md5=0#t", ("f1.jpg",), "f1.jpg"),
        ("../img/f1.jpg", ("f1.jpg",), "f1.jpg"),
        ("info:doi/10.1371/journal.pone.0002019.g001", ("pone.0002019.g001.jpg",), "pone.0002019.g001.jpg"),
        ("img/f1.jpg", ("img/f1.jpg", "old/f1.jpg"), "img/f1.jpg"),
        ("img/f1", ("img/f1.jpg", "old/f1.jpg"), "img/f1.jpg"),
        ("f1.jpg", ("img/f1.jpg", "old/f1.jpg"), None),
        ("f1", ("f1.pdf", "f1.mp4"), None),
        ("", ("f1.jpg",), None),
    ],
)
def test_a_reference_matches_one_file_or_none(href: str, files: tuple[str, ...], found: str | None) -> None:
    assert Images(files).find(href) == found


def composed_units(folder: Path) -> list[dict[str, Any]]:
    """The composed packages as the engine passes them to the stage."""
    with (folder / "oa_file_list.csv").open(newline="", encoding="utf-8") as fh:
        index = {r["Accession ID"]: r for r in csv.DictReader(fh)}
    units = []
    for path in sorted(folder.rglob("*.tar.gz")):
        name = path.name.removesuffix(".tar.gz")
        with tarfile.open(fileobj=io.BytesIO(path.read_bytes())) as tar:
            files = {m.name.partition("/")[2]: m for m in tar.getmembers()}
            member = tar.extractfile(files["main.nxml"])
            assert member is not None
            facts = json.dumps({"license": index[name]["License"], "pmid": index[name]["PMID"]})
            named = [{"name": n, "size": m.size} for n, m in files.items()]
            units.append(unit(member.read(), article=name, place=path.name, facts=facts) | {"files": named})
    return units


@pytest.mark.shared
def test_every_composed_figure_is_read_as_it_was_composed(composed: Path) -> None:
    rows, counts = extract(*composed_units(composed / "package"))
    with (composed / "truth.csv").open(newline="", encoding="utf-8") as fh:
        truth = {(r["pmcid"], r["fig_id"]): r for r in csv.DictReader(fh)}
    assert {(r["pmcid"], r["fig_id"]) for r in rows} == set(truth) and len(counts) == 120
    for row in rows:
        expected = truth[row["pmcid"], row["fig_id"]]
        assert row["caption"] == (plain_caption(expected["caption"]) or None)
        assert row["license"] == expected["licence"].replace(" CODE", "").replace(" ", "-")
        assert row["year"] == int(expected["year"])
        is_missing = expected["kind"] == "missing file"
        assert (row["drop"], row["file"]) == (("missing", None) if is_missing else (None, expected["file"]))


@pytest.mark.parametrize(
    ("facts", "detail"),
    [
        ("{}", "f1"),
        ('{"media": 1, "absent": ["f1.jpg"]}', "listed but not in the folder: f1"),
        ('{"media": 3}', "withheld, not among the article's media: f1"),
    ],
)
def test_the_detail_of_a_missing_image_records_whether_the_metadata_list_it(facts: str, detail: str) -> None:
    (row,), _ = extract(unit(fig(), (), facts=facts))
    assert (row["drop"], row["drop_detail"]) == ("missing", detail)


def test_the_figures_of_a_scanned_article_are_dropped_as_pages(tmp_path: Path) -> None:
    (row,), counts = extract(unit(fig(), ("f1.jpg",), facts='{"ocr": true}'))
    assert (row["drop"], row["drop_detail"]) == ("scope", "page of a scanned article")
    assert counts["00/PMC1.tar.gz"]["articles_without_figures"] == 1


NOTICE = '<related-article related-article-type="retracted-article" ext-link-type="doi" xlink:href="10.1000/x"/>'


def test_a_retraction_notice_is_a_row_and_is_not_itself_retracted() -> None:
    notice = xml("", NOTICE).replace(b"<article ", b'<article article-type="retraction" ')
    (row,), counts = extract(unit(notice, facts='{"retracted": true}'))
    assert (row["figure_id"], row["drop"], row["retracted"]) == ("PMC1/notice/0", "scope", False)
    assert row["retracts"] == ["doi:10.1000/x"]
    assert counts["00/PMC1.tar.gz"]["standing notice of retraction"] == 1


def test_a_figure_printed_in_a_notice_is_dropped() -> None:
    for kind in (b"retraction", b"partial-retraction"):
        notice = xml(fig(), NOTICE).replace(b"<article ", b'<article article-type="%s" ' % kind)
        rows, counts = extract(unit(notice, ("f1.jpg",)))
        assert (rows[0]["file"], rows[0]["drop"]) == ("f1.jpg", "scope")
        assert rows[0]["drop_detail"] == "figure printed in a retraction notice"
        assert counts["00/PMC1.tar.gz"]["articles_without_figures"] == 1


def test_evidence_of_a_retraction_from_source_and_xml_is_combined() -> None:
    title = "<title-group><article-title>RETRACTED: A case</article-title></title-group>"
    (row,), _ = extract(unit(xml(fig(), title), ("f1.jpg",), facts='{"retracted": true, "open_access": false}'))
    assert (row["retracted"], row["retraction"], row["open_access"]) == (True, "index; title", False)


def test_the_articles_without_figures_are_counted_with_their_licence() -> None:
    rows, counts = extract(unit("", facts="{}"))
    assert not rows
    assert counts["00/PMC1.tar.gz"]["license CC-BY | stated | href"] == 1
    assert counts["00/PMC1.tar.gz"]["articles_without_figures"] == 1


@pytest.mark.parametrize(("own", "license"), [("by-nc/4.0", "CC-BY-NC"), ("by/3.0", "CC-BY")])
def test_a_figure_with_a_stricter_licence_than_its_article_has_its_own_licence(own: str, license: str) -> None:
    terms = f'<permissions><license xlink:href="http://creativecommons.org/licenses/{own}/"/></permissions></fig>'
    (row,), _ = extract(unit(fig().replace("</fig>", terms), ("f1.jpg",)))
    assert (row["license"], row["figure_license"]) == (license, license)
    assert row["license_evidence"].startswith("figure CC-BY-NC; " if license == "CC-BY-NC" else "index CC BY")


def test_a_figure_with_permissions_but_no_licence_has_the_licence_of_its_article() -> None:
    terms = "<permissions><copyright-holder>Acme</copyright-holder></permissions></fig>"
    (row,), _ = extract(unit(fig().replace("</fig>", terms), ("f1.jpg",)))
    assert (row["license"], row["figure_license"], row["credit"]) == ("CC-BY", "NONE", "Acme")


def test_a_rendition_of_another_size_is_not_a_row() -> None:
    rows, counts = extract(unit(fig("f1.jpg"), ("f1.jpg", "f1-thumb.jpg", "f1.gif")))
    assert [row["file"] for row in rows] == ["f1.jpg"]
    assert counts["00/PMC1.tar.gz"]["renditions"] == 2


def test_the_version_that_the_source_lists_takes_precedence_over_that_of_the_package_name() -> None:
    (row,), _ = extract(unit(fig(), ("f1.jpg",), article="PMC1.2", facts='{"version": 3}'))
    assert (row["version"], row["figure_id"]) == (3, "PMC1.3/f1/0")
    (row,), _ = extract(unit(fig(), ("f1.jpg",), article="PMC1.2", facts='{"version": true}'))
    assert row["version"] == 2


def test_an_index_row_that_cannot_be_read_is_part_of_the_licence_evidence() -> None:
    (row,), _ = extract(unit(fig(), ("f1.jpg",), facts='{"index": "cannot be read: x"}'))
    assert row["license_evidence"].startswith("index cannot be read: x; href")


@pytest.mark.parametrize("href", ["", " ", "\ufeff", "\u200b\u202e"])
def test_a_name_without_a_visible_character_is_no_image(href: str) -> None:
    (row,), _ = extract(unit(fig(href)))
    assert (row["drop"], row["file"]) == ("no_graphic", None)
    assert row["drop_detail"]
