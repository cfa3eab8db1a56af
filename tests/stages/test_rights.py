"""Figures to which others hold the rights."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roco.base.errors import RecipeError
from roco.models.text.credits import credited
from roco.models.text.credits.kinds import KINDS
from roco.sources.jats.article import parse
from roco.stages.rights import Rights
from tests.waits import cpu_limit

AUTHORS = ["Müller, Eva", "dos Santos, Igor", "Doe, John, Jr"]


def decided(stage: Rights, **said: str) -> str | None:
    """The detail with which a figure leaves, null where it stays."""
    names = ("caption_raw", "credit", "figure_license", "third_party", "drop", "drop_detail")
    columns = {name: pa.array([said.get(name)], pa.string()) for name in names}
    out = stage(pa.table({"figure_id": ["0"], "authors": pa.array([AUTHORS], pa.list_(pa.string())), **columns}))
    assert out["drop"].to_pylist() in ([None], ["rights"])
    details: list[str | None] = out["drop_detail"].to_pylist()
    assert (out["drop"].null_count == 0) == (details[0] is not None)
    return details[0]


def test_a_credit_line_that_is_only_a_name_drops_the_figure_unless_it_is_an_author() -> None:
    assert decided(Rights(), credit="Jane Other, 2019") == 'credit: "Jane Other, 2019", in the credit line'
    assert decided(Rights(), credit="Müller E, 2019") is None
    assert decided(Rights(), credit="Acme Press", figure_license="CC-BY") is None
    assert decided(Rights(), caption_raw="Jane Other, 2019") is None


@pytest.mark.parametrize(
    ("caption", "why"),
    [
        ("MRI. Reprinted from [7], with permission from Acme Press.", 'permission: "with permission from Acme Press"'),
        ("A scan (reproduced by kind permission of the museum).", 'permission: "by kind permission of the museum"'),
        ("Permission to reproduce was given by Acme.", 'permission: "Permission to reproduce was given by Acme"'),
        ("CT. Mit freundlicher Genehmigung von Acme.", 'permission: "Mit freundlicher Genehmigung von Acme"'),
        ("CT of the chest (courtesy of Dr. A. Other, Bonn).", 'courtesy: "courtesy of Dr. A. Other, Bonn"'),
        ("Modified from Other et al. (2015).", 'copied: "Modified from Other et al. (2015)"'),
        ("Adapted, after changes, from the atlas.", 'copied: "Adapted, after changes, from the atlas"'),
        ("Redrawn after Other [3].", 'copied: "Redrawn after Other [3]"'),
        ("Figures are from Other et al. 2004", 'copied: "Figures are from Other et al. 2004"'),
        ("Image downloaded from www.example.org.", 'copied: "downloaded from www.example.org"'),
        ("Adaptado de Otro (1999).", 'copied: "Adaptado de Otro (1999)"'),
        ("A view. Photo credit: A. Other.", 'credit: "Photo credit: A. Other"'),
        ("Photograph: Ann de la Other.", 'credit: "Photograph: Ann de la Other"'),
        ("The images were kindly provided by Ann Other.", 'credit: "images were kindly provided by Ann Other"'),
        ("Case from Radiopaedia.", 'credit: "Radiopaedia"'),
        ("A scan. Copyright 2006 Acme.", 'copyright: "Copyright 2006 Acme"'),
        ("A scan. © 2006 Acme.", 'copyright: "© 2006 Acme"'),
        ("A scan (c) 2006 Acme.", 'copyright: "(c) 2006 Acme"'),
        ("A map. Source: National Office.", 'source: "Source: National Office"'),
        ("A mouse, licensed under CC BY-SA 3.0.", 'license: "CC BY-SA 3.0"'),
    ],
)
def test_a_caption_that_credits_others_is_dropped_with_the_words_that_credit_them(caption: str, why: str) -> None:
    assert decided(Rights(), caption_raw=caption) == why


@pytest.mark.parametrize(
    "caption",
    [
        "Courtesy of Dr. E. Muller.",  # an author, accent or not
        "Copyright: © 2017 Müller et al.",  # the article's own notice
        "Photographs by Igor dos Santos.",
        "Courtesy of our department.",
        "Fonte: elaborada pelos autores",
        "Fuente: Elaboración propia (2020).",
        "Source: Research data.",
        "Source: prepared by the authors from registry data.",
        "Courtesy of John Doe Jr., Bonn.",
        "Three devices (authors' personal archive).",
    ],
)
def test_a_credit_to_the_authors_themselves_is_kept(caption: str) -> None:
    assert decided(Rights(), caption_raw=caption) is None
    assert decided(Rights(), credit=caption) is None


@pytest.mark.parametrize(
    "caption",
    [
        "Taken with permission of the patient.",
        "Published with the patient's written permission.",
        "Permission was obtained from the ethics committee.",
        "Informed consent was given.",
        "A modified Lapidus procedure.",
        "Views made with OsiriX©.",
        "(a) in 2009, (b) in 2010 and (c) 2011.",
        "CT scan from January 2014.",
        "Image by Doppler ultrasound.",
        "CT scan: Axial View.",
        "Supply is provided by the artery.",
        "The mass arises from the kidney; X-ray source on the left.",
        "CC and MLO views.",
        "The angle was measured according to Other et al. [6].",
        "",
    ],
)
def test_a_caption_that_credits_nobody_is_kept(caption: str) -> None:
    assert decided(Rights(), caption_raw=caption) is None


def test_a_reprint_from_earlier_work_of_the_authors_is_dropped() -> None:
    assert decided(Rights(), caption_raw="Reprinted from Müller et al. [2].") is not None
    assert decided(Rights(), caption_raw="With permission from Müller.") is not None


def test_a_figure_with_permissions_of_its_own_is_judged_by_its_own_licence() -> None:
    assert decided(Rights(), figure_license="NONE", credit="2006 Acme") == 'permissions: NONE "2006 Acme"'
    assert decided(Rights(), figure_license="CC-BY-ND") == "permissions: CC-BY-ND"
    assert decided(Rights(allow=("CC-BY",)), figure_license="CC-BY-NC") == "permissions: CC-BY-NC"
    assert decided(Rights(), figure_license="CC-BY-NC", credit="Creative Commons Attribution-NonCommercial") is None
    assert decided(Rights(), figure_license="CC-BY", credit="© 2010 Acme. CC BY 4.0") == (
        'copyright: "© 2010 Acme", in the credit line'
    )


def test_figures_of_articles_that_exclude_third_party_material_are_kept_with_an_option() -> None:
    said = "It may contain pictures copyrighted by others."
    assert decided(Rights(), third_party=said) == f'article: "{said}"'
    assert decided(Rights(third_party="keep"), third_party=said) is None


def test_a_credit_with_an_allowed_licence_is_kept_with_an_option() -> None:
    caption = "Reproduced from Other et al., under CC BY 4.0."
    assert decided(Rights(), caption_raw=caption) is not None
    assert decided(Rights(licensed="keep"), caption_raw=caption) is None
    assert decided(Rights(licensed="keep"), caption_raw=caption.replace("BY", "BY-SA")) is not None


def test_the_credit_line_is_tested_before_the_caption() -> None:
    assert decided(Rights(), credit="Source: Office.", caption_raw="© 2010 Acme.") == (
        'source: "Source: Office", in the credit line'
    )


def test_a_long_quotation_is_shortened() -> None:
    why = decided(Rights(), third_party="x" * 500)
    assert why is not None
    assert len(why) < 180


def test_a_row_dropped_before_keeps_its_reason() -> None:
    columns = {n: pa.array(["© 2010 Acme"]) for n in ("caption_raw", "credit", "figure_license", "third_party")}
    batch = pa.table({"authors": [["A"]], **columns, "drop": ["license"], "drop_detail": ["TDM"]})
    assert Rights()(batch)["drop_detail"].to_pylist() == ["TDM"]


@pytest.mark.parametrize("options", [{"allow": ("CC BY",)}, {"third_party": "maybe"}, {"licensed": "yes"}])
def test_an_invalid_option_is_an_error_of_the_recipe(options: dict[str, object]) -> None:
    with pytest.raises(RecipeError):
        Rights(**options)  # type: ignore[arg-type]


WORDS = """
with by kind permission of from courtesy image photo credit : source reprinted modified after adapted published in
Other et al. [3] (2004) © (c) 2010 copyright provided kindly Dr Ann CC BY creative commons public domain
fonte tomado de patient ( ) . ; , the authors used under licence licensed own scanner needle from12 collection archive
thanks photographed stock BioRender 7 (C) A)
"""


@given(st.lists(st.sampled_from(WORDS.split()), max_size=25).map(" ".join) | st.text(max_size=300))
def test_the_hints_match_whatever_the_patterns_match(text: str) -> None:
    found = credited(text)
    assert (decided(Rights(), caption_raw=text) is None) == (found is None)


@pytest.mark.parametrize(
    "hostile",
    [
        "with permission ", "images ", "from ", "(c) ", "A. B. ", "reprinted ,  ", ". ", "\u00a9", "from Ann, Ann and ",
        "(c) 2010 ", "image used under a ", "adapted a figure a from ", "the needle was adapted from ", "Source: ",
        "images provided by the ", "photo from the Ann Ann ", "our own ", "Ann E. ", "from 1, 2 and ",
        "image by Ann von der ",
    ],
)  # fmt: skip
def test_a_very_long_caption_takes_limited_time(hostile: str) -> None:
    with cpu_limit():
        credited(hostile * 20_000)


@pytest.mark.shared
def test_the_hints_match_whatever_the_patterns_match_in_real_captions(shared: Path) -> None:
    path = shared / "data" / "captions" / "roco_v1_open_validation_non-radiology.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        captions = [json.loads(line)["caption"] for line in lines]
    for kind in KINDS:
        hinted = pc.match_substring_regex(pa.array(captions), kind.hint, ignore_case=True).to_pylist()
        assert not [c for c, h in zip(captions, hinted, strict=True) if not h and kind.pattern.search(c)]


@pytest.mark.shared
def test_every_credit_line_of_the_real_articles_credits_their_authors(shared: Path) -> None:
    """Read one by one: sources that are the authors' own, notes to the picture, drawings and photographs by them."""
    for line in (shared / "data" / "articles.jsonl").read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        article = parse((shared / "data" / entry["path"] / entry["xml"]).read_bytes())
        assert not [f.credit for f in article.figures if f.credit and credited(f.credit, article.authors)]
