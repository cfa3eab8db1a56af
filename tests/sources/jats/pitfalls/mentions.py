"""Where the text cites a figure, and where it only seems to."""

from __future__ import annotations

from tests.sources.jats.pitfalls.form import Cited, Image, article, fig, image, kept, pitfall

_CAPTIONS = (
    "Radiograph of the left foot.",
    "MR image of the left foot, sagittal.",
    "MR image of the left foot, axial.",
)
_FIGURES = "".join(fig(n, caption) for n, caption in enumerate(_CAPTIONS, 1))


def _ref(rid: str, words: str, kind: str | None = "fig") -> str:
    told = f'ref-type="{kind}" ' if kind else ""
    return f'<xref {told}rid="{rid}">{words}</xref>'


def _sec(text: str, title: str = "Imaging") -> str:
    return f"<sec><title>{title}</title>{text}</sec>"


def _all(*mentions: tuple[Cited, ...]) -> tuple[Image, ...]:
    """The three figures of `_FIGURES`, each with its mentions."""
    return tuple(kept(n, _CAPTIONS[n - 1], mentions=found) for n, found in enumerate(mentions, 1))


def _cited(text: str, words: str, kind: str = "direct", section: str | None = "Imaging") -> tuple[Cited, ...]:
    return (Cited(text, section, words, kind),)


_LINKS = (
    pitfall(
        46,
        "a paragraph that contains the figure",
        article(_sec(f"<p>A talus fracture ({_ref('f1', 'Fig. 1')}) was seen. {fig(1, _CAPTIONS[0])} It healed.</p>")),
        kept(1, _CAPTIONS[0], mentions=_cited("A talus fracture (Fig. 1) was seen. It healed.", "Fig. 1")),
    ),
    pitfall(
        None,
        "a figure in the middle of a sentence",
        article(_sec(f"<p>The fracture {fig(1, _CAPTIONS[0])} of {_ref('f1', 'Figure 1')} healed.</p>")),
        kept(1, _CAPTIONS[0], mentions=_cited("The fracture of Figure 1 healed.", "Figure 1")),
    ),
    pitfall(
        47,
        "one link to several figures",
        article(_sec(f"<p>Seen in all planes ({_ref('f1 f3', 'Figs. 1, 3')}).</p>") + _FIGURES),
        *_all(
            _cited("Seen in all planes (Figs. 1, 3).", "Figs. 1, 3"),
            (),
            _cited("Seen in all planes (Figs. 1, 3).", "3"),
        ),
    ),
    pitfall(
        48,
        "a range between two links",
        article(_sec(f"<p>Oedema (Figs {_ref('f1', '1')}–{_ref('f3', '3')}) was marked.</p>") + _FIGURES),
        *_all(
            _cited("Oedema (Figs 1–3) was marked.", "1"),
            _cited("Oedema (Figs 1–3) was marked.", "1–3", "range"),
            _cited("Oedema (Figs 1–3) was marked.", "3"),
        ),
    ),
    pitfall(
        48,
        "a range within one link",
        article(_sec(f"<p>Oedema ({_ref('f1', 'Figures 1-3')}) was marked.</p>") + _FIGURES),
        *_all(
            _cited("Oedema (Figures 1-3) was marked.", "Figures 1-3"),
            _cited("Oedema (Figures 1-3) was marked.", "1-3", "range"),
            _cited("Oedema (Figures 1-3) was marked.", "3", "range"),
        ),
    ),
    pitfall(
        48,
        "two links that are not a range",
        article(_sec(f"<p>Compare {_ref('f1', 'Fig. 1')} and {_ref('f3', 'Fig. 3')}.</p>") + _FIGURES),
        *_all(_cited("Compare Fig. 1 and Fig. 3.", "Fig. 1"), (), _cited("Compare Fig. 1 and Fig. 3.", "Fig. 3")),
    ),
    pitfall(
        48,
        "a range of references",
        article(_sec(f"<p>Known before [{_ref('b1', '1', 'bibr')}–{_ref('b3', '3', 'bibr')}].</p>") + _FIGURES),
        *_all((), (), ()),
    ),
)

_GROUP = f'<fig-group id="g1"><caption><p>Both feet.</p></caption>{fig(1)}{fig(2)}</fig-group>'

_TARGETS = (
    pitfall(
        49,
        "links of other types, and without one",
        article(
            _sec(f"<p>See {_ref('f1', 'Fig. 1', 'Fig')}.</p><p>See {_ref('f2', 'Fig. 2', None)}.</p>")
            + _sec(f"<p>See {_ref('f3', 'Fig. 3', 'figure')}.</p>", "Course")
            + _FIGURES
        ),
        *_all(
            _cited("See Fig. 1.", "Fig. 1"),
            _cited("See Fig. 2.", "Fig. 2"),
            _cited("See Fig. 3.", "Fig. 3", section="Course"),
        ),
    ),
    pitfall(
        49,
        "a link to the group",
        article(_sec(f"<p>Both feet ({_ref('g1', 'Fig. 1')}).</p>") + _GROUP),
        kept(1, "Both feet.", mentions=_cited("Both feet (Fig. 1).", "Fig. 1")),
        kept(2, "Both feet.", mentions=_cited("Both feet (Fig. 1).", "Fig. 1")),
    ),
    pitfall(
        49,
        "a link to the graphic",
        article(_sec(f"<p>Here: {_ref('g7', 'image')}.</p>") + fig(1, _CAPTIONS[0], image("f1", 'id="g7"'))),
        kept(1, _CAPTIONS[0], mentions=_cited("Here: image.", "image")),
    ),
    pitfall(
        49,
        "citations in plain words",
        article(
            _sec("<p>A fracture is likely (Fig. 1).</p><p>FIGURE 2a excludes it.</p>")
            + _sec("<p>Figs. 1 to 3 were read twice.</p>", "Reading")
            + _FIGURES
        ),
        *_all(
            (
                *_cited("A fracture is likely (Fig. 1).", "Fig. 1", "text"),
                *_cited("Figs. 1 to 3 were read twice.", "Figs. 1", "text", "Reading"),
            ),
            (
                *_cited("FIGURE 2a excludes it.", "FIGURE 2", "text"),
                *_cited("Figs. 1 to 3 were read twice.", "1 to 3", "range", "Reading"),
            ),
            _cited("Figs. 1 to 3 were read twice.", "3", "text", "Reading"),
        ),
    ),
    pitfall(
        49,
        "words that cite no figure of the article",
        article(_sec("<p>In Fig. 2 of [9], Fig. S1 and Fig. 12, configuration 1 of Table 3 was used.</p>") + _FIGURES),
        *_all((), (), ()),
    ),
)

_TABLE = "<table-wrap id='t1'><table><tbody><tr><td>{}</td><td>4 mm</td></tr></tbody></table></table-wrap>"

_OUTSIDE_PARAGRAPHS = (
    pitfall(
        50,
        "links in a title, a list item and a table cell",
        article(
            _sec(
                f"""<sec><title>Course ({_ref("f1", "Fig. 1")})</title><p>It healed.</p></sec>
                <list><list-item><p>gap ({_ref("f2", "Fig. 2")})</p></list-item></list>
                {_TABLE.format(_ref("f3", "Fig. 3"))}"""
            )
            + _FIGURES
        ),
        *_all(
            _cited("Course (Fig. 1)", "Fig. 1", section=None),
            _cited("gap (Fig. 2)", "Fig. 2"),
            _cited("Fig. 3", "Fig. 3"),
        ),
    ),
    pitfall(
        50,
        "a link in the caption of another figure",
        article(
            _sec("<p>No link here.</p>")
            + fig(1, _CAPTIONS[0])
            + fig(2, f"<p>Same foot as in {_ref('f1', 'Figure 1')}; own number {_ref('f2', '2')}.</p>")
        ),
        kept(1, _CAPTIONS[0], mentions=_cited("Same foot as in Figure 1; own number 2.", "Figure 1", section=None)),
        kept(2, "Same foot as in Figure 1; own number 2.", mentions=()),
    ),
    pitfall(
        None,
        "sections within sections",
        article(
            _sec(
                _sec(f"<p>The gap ({_ref('f1', 'Fig. 1')}) and again {_ref('f1', 'Fig. 1')}.</p>", "Radiographs"),
                "Case report",
            )
            + fig(1, _CAPTIONS[0])
        ),
        kept(
            1,
            _CAPTIONS[0],
            mentions=_cited("The gap (Fig. 1) and again Fig. 1.", "Fig. 1", section="Case report / Radiographs"),
        ),
    ),
)

MENTIONS = (*_LINKS, *_TARGETS, *_OUTSIDE_PARAGRAPHS)
