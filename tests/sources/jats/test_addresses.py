"""What is left of a caption when its addresses are removed."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roco.sources.jats.addresses import addresses_in
from roco.sources.jats.text import plain_caption
from tests.waits import cpu_limit

# Every form of an address stands in for each of the others: what leads to it does not depend on it.
ADDRESSES = (
    "http://dx.doi.org/10.9999/abc.003", "https://example.org/x1/", "www.example.org", "doi.org/10.1/x1",
    "dx.doi.org/10.9999/DS-1", "10.7554/eLife.1", "github.com/a/b", "bit.ly/abc", "s3://bucket/key",
    "http:// www.example. org/a", "https://www.example.org/ path/a.html", "http : //www.example.org/a",
    "http://www.example.org/news/?cHash = 74792c41", "http://www.foo-\nbar.org/x", "http:\\\\www.example.org\\b",
    "https://a.org/x_(y)", "<https://a.org>", "https://a.org and https://b.org", "a.b@c.org",
    "http://a.org, accessed 3 May 2020", "http://a.org [accessed 2020-05-03]", "http://a.org. Accessed 3 May 2020",
)  # fmt: skip


@pytest.mark.parametrize("address", ADDRESSES)
def test_the_whole_address_is_found_also_if_it_is_split(address: str) -> None:
    text = " ".join(f"CT (see {address}). The cyst".split())
    (found,) = addresses_in(text)
    assert text[: found.start].rstrip("<") == "CT (see " and text[found.end :].lstrip(">") == "). The cyst"


@pytest.mark.parametrize(
    "text",
    [
        "CT and/or MR, e.g./i.e.",
        "10.5/20 mm",
        "3.5 x 10.1000/20 mg",
        "a mass@5",
        "ratio 1:2//3",
        "vs.CT/MR",
        "US.",
        "[1]",
    ],
)
def test_what_is_no_address_is_kept(text: str) -> None:
    assert addresses_in(text) == [] and plain_caption(text) == text


@pytest.mark.parametrize(
    "text", ["Made with BioRender.com for CT.", "Drawn with biorender.com after CT by ImageJ.net."]
)
def test_the_name_of_a_domain_in_a_sentence_is_kept(text: str) -> None:
    assert plain_caption(text) == text


CT = "CT of the brain shows a cyst"
GONE = [
    "DOI: {}", "doi:{}", "URL: {}", "[URL: {}]", "Source: {}", "(source: {})", "Available from: {}",
    "Link to video: {}", "Details can be found at {}.", "Available online at {}.",
    "See {} for details.", "For details, please see {}.",
    "More information is available at {}.", "The video can be viewed at {}.", "Video 1: {}.", "Data from: {}", "{}",
    "Image accessed at {}.", "Retrieved from {}.", "E-mail: {}.", "Contact: {}", "Color images available online at {}",
    "Data were downloaded from {}.", "(copy archived at {}).", "<{}>", "“{}”", "Source: <{}>.",
    "Further details: see {}", "Digital Object Identifier: {}",
]  # fmt: skip


@pytest.mark.parametrize("sentence", GONE)
@pytest.mark.parametrize(
    "address", ["https://example.org/x1/", "http:// www.example. org/a", "10.7554/eLife.1", "a@b.org"]
)
def test_a_sentence_that_only_leads_to_an_address_is_removed_with_it(sentence: str, address: str) -> None:
    assert plain_caption(f"{CT}. {sentence.format(address)}") == f"{CT}."
    assert (
        plain_caption(f"{CT}. {sentence.format(address).rstrip('.')}. The cyst is bright.")
        == f"{CT}. The cyst is bright."
    )


@pytest.mark.parametrize(
    ("caption", "text"),
    [
        ("CT, read in Viewer 6 ({}). The cyst is bright.", "CT, read in Viewer 6. The cyst is bright."),
        ("CT, read with a tool ({}), of the first patient.", "CT, read with a tool, of the first patient."),
        ("CT (labels in Table 1; see {} and Table 2).", "CT (labels in Table 1; see Table 2)."),
        ("CT (source: {}; licensed under CC BY).", "CT (licensed under CC BY)."),
        ("CT (NIH, Bethesda; {}).", "CT (NIH, Bethesda)."),
        ("CT (Fig. 2, {}).", "CT (Fig. 2)."),
        ("CT ({}, data on request).", "CT (data on request)."),
        ("CT (code at {}; masks in Table 1).", "CT (masks in Table 1)."),
        ("CT of a cyst; image accessed at {}.", "CT of a cyst."),
        ("CT of a cyst, which can be found at {}.", "CT of a cyst."),
        ("CT of a cyst available at {}.", "CT of a cyst."),
        ("CT as described in {}.", "CT."),
        ("CT of the pelvis Courtesy of {}", "CT of the pelvis"),
        ("CT of the pelvis.DOI: {}", "CT of the pelvis."),
        ("CT by A. Smith, ORCID: {}.", "CT by A. Smith."),
        ("CT by Acme, Inc. ({}).", "CT by Acme, Inc."),
        ("Findings: see {}.", "Findings."),
        ("CT (Smith J., 2010. doi:{}).", "CT (Smith J., 2010)."),
        ("{}: CT of the brain.", "CT of the brain."),
        ("From {}, the CT was downloaded.", "The CT was downloaded."),
        ("CT, source: {}, of the brain.", "CT, of the brain."),
        ("Foreign Policy, March 25, 2013, {}. A map.", "Foreign Policy, March 25, 2013. A map."),
        ("CT with Slicer ({}) (accessed on 3 May 2020).", "CT with Slicer."),
    ],
)
@pytest.mark.parametrize("address", ["https://example.org/x1/", "http:// www.example. org/a", "10.7554/eLife.1"])
def test_a_phrase_that_leads_to_an_address_is_removed_with_it(caption: str, text: str, address: str) -> None:
    assert plain_caption(caption.format(address)) == text


@pytest.mark.parametrize(
    "caption",
    [
        "The atlas of the brain is freely available at {}.",
        "CT shows a cyst via {}.",
        "CT, available at {}, shows a cyst.",
        "The map was drawn using {} and shows a cyst.",
        "The slices, with all labels, can be found at {}.",
        "This CT is identified by the URI {}.",
        "{} shows the CT.",
    ],
)
def test_in_a_sentence_about_something_else_a_placeholder_takes_the_place_of_the_address(caption: str) -> None:
    assert plain_caption(caption.format("https://example.org/x1/")) == caption.format("[link]")


@pytest.mark.parametrize("label", ["doi:", "DOI ", "URL: "])
def test_the_placeholder_also_replaces_the_label_of_an_address(label: str) -> None:
    assert plain_caption(f"The CT at {label}10.5061/dryad.1 shows a cyst.") == "The CT at [link] shows a cyst."


BROKEN = re.compile(
    r"\b(?:at|from|via|see|by|of|using|the|doi|url|source)\s*(?:[.;)\]]|$)|\(\s*\)|\[\s*\]|\s[.,;)]|[.,;:][.;]|\(\s"
    r"|:\s*$|https?|www|\.org",
    re.I,
)


@given(
    st.sampled_from(["", f"{CT}. ", f"{CT} ", "CT of the brain, "]),
    st.sampled_from([*GONE, "see {}", "via {}", "(see {})", "(see Table 1 and {})", "the atlas at {}", "a tool, {},"]),
    st.sampled_from(ADDRESSES),
    st.sampled_from(["", " The cyst is bright.", " and Table 2.", " in the brain."]),
)
def test_no_caption_breaks_off_or_has_empty_brackets(before: str, words: str, address: str, after: str) -> None:
    text = plain_caption(before + words.format(address) + after)
    assert not BROKEN.search(text), text
    assert plain_caption(text) == text


@pytest.mark.parametrize("n", [1_000, 14_000])  # below and above what a caption may have
@pytest.mark.parametrize("piece", ["x", ":", "<", "a CT of b ", "1-", ".,", "and ", "doi ", "“"])
def test_what_stands_around_an_address_is_read_in_bounded_time(piece: str, n: int) -> None:
    closing = piece.translate(str.maketrans("<“", ">”"))
    several = piece * (n // len(piece))
    with cpu_limit():
        for address in ("https://a.de/x", " see a.de "):
            plain_caption(several + address + closing * (n // len(piece)))
            plain_caption((piece * 5 + address) * (n // 40))


def test_each_address_of_a_text_that_is_too_long_for_a_caption_becomes_a_placeholder() -> None:
    text = "A scan, available at https://a.org, shows it. " * 1_000
    assert plain_caption(text) == ("A scan, available at [link], shows it. " * 1_000).strip()


@pytest.mark.parametrize(
    "piece", ["http://", "http://a.b/? = ", "see a.org, ", "a@", "at ", "(", "10.1000/", "w." * 50, "[http://a.b"]
)
def test_a_hostile_caption_is_read_in_bounded_time(piece: str) -> None:
    with cpu_limit():
        plain_caption(piece * (50_000 // len(piece)))
        plain_caption("at " * 10_000 + piece * (20_000 // len(piece)) + "http://a.b")
