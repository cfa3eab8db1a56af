"""Figures in groups, in figures, in translations, and without a name."""

from __future__ import annotations

from tests.sources.jats.pitfalls.form import Cited, Image, article, dropped, fig, image, kept, pitfall

_GROUP = "Scaphoid fracture before and after fixation."
_BEFORE, _AFTER = "Oblique view on the day of the fall.", "Same view with a screw in place."


def _group(*figures: str, caption: str = "", label: str = "", attrs: str = "") -> str:
    head = f"<label>{label}</label>" if label else ""
    return (
        f"<fig-group {attrs}>{head}{caption and f'<caption><p>{caption}</p></caption>'}{''.join(figures)}</fig-group>"
    )


_GROUPS = (
    pitfall(
        17,
        "a caption for the group only",
        article(_group(fig(1, label="({})"), fig(2, label="({})"), caption=_GROUP)),
        Image("f1.jpg", _GROUP, "(1)", columns={"caption_from": "group"}),
        Image("f2.jpg", _GROUP, "(2)", columns={"caption_from": "group"}),
    ),
    pitfall(
        17,
        "a caption for the group and one for each figure",
        article(_group(fig(1, _BEFORE), fig(2, _AFTER), caption=_GROUP)),
        kept(1, f"{_GROUP} {_BEFORE}", caption_from="group and figure"),
        kept(2, f"{_GROUP} {_AFTER}", caption_from="group and figure"),
    ),
    pitfall(
        18,
        "supplements of a figure",
        article(
            _group(
                fig(1, _BEFORE),
                fig(2, _AFTER, label="Figure 1—figure supplement 1.", attrs='specific-use="child-fig"'),
            )
        ),
        kept(1, _BEFORE, caption_from="figure"),
        Image("f2.jpg", _AFTER, "Figure 1—figure supplement 1.", columns={"caption_from": "figure"}),
    ),
    pitfall(
        None,
        "a group of two languages, with one image",
        article(
            _group(
                fig(1, "<title>Ultrassonografia da tireoide.</title>", "", label="Figura 1", attrs='xml:lang="pt"'),
                fig(
                    2, "<title>Ultrasound of the thyroid.</title>", image("f1"), label="Figure 1", attrs='xml:lang="en"'
                ),
            )
        ),
        dropped("no_graphic"),
        Image("f1.jpg", "Ultrasound of the thyroid.", "Figure 1"),
    ),
    pitfall(
        None,
        "a group of two languages that share the group's image",
        article(
            _group(
                fig(1, "<title>Cintilografia óssea.</title>", "", label="Figura 1", attrs='xml:lang="pt"'),
                fig(2, "<title>Bone scintigram.</title>", "", label="Figure 1", attrs='xml:lang="en"'),
                image("f1"),
            )
        ),
        dropped("no_graphic"),
        dropped("no_graphic"),
        Image("f1.jpg", "Bone scintigram.", "Figure 1"),
    ),
)

_OUTER, _INNER = "Sagittal MR of the lumbar spine.", "Detail of the fourth disc."

_NESTED = (
    pitfall(
        19,
        "a figure inside a figure",
        article(
            f"""<fig id="f1"><label>Figure 1</label>
            <fig id="f2"><label>Figure 2</label><caption><p>{_INNER}</p></caption>{image("f2")}</fig>
            <caption><p>{_OUTER}</p></caption>{image("f1")}</fig>"""
        ),
        kept(1, _OUTER, n_graphics=1),
        kept(2, _INNER, n_graphics=1),
    ),
    pitfall(
        None,
        "a figure that only contains figures",
        article(f'<fig id="f0"><caption><p>{_OUTER}</p></caption>{fig(1, _BEFORE)}{fig(2, _AFTER)}</fig>'),
        dropped("no_graphic"),
        kept(1, f"{_OUTER} {_BEFORE}"),
        kept(2, f"{_OUTER} {_AFTER}"),
    ),
    pitfall(
        None,
        "parts of a figure, one without a label and one without a caption",
        article(
            f"""<p>See Figure 3 and <xref rid="f0">the same</xref>.</p>
            <fig id="f0"><label>Figure 3</label><caption><p>{_OUTER}</p></caption>{fig(1, _BEFORE, label="")}
            {fig(2, label="(b)")}<attrib>Courtesy of Dr. Other.</attrib></fig>"""
        ),
        dropped("no_graphic"),
        Image(
            "f1.jpg",
            f"{_OUTER} {_BEFORE}",
            "Figure 3",
            columns={"caption_from": "group and figure", "credit": "Courtesy of Dr. Other."},
            mentions=(Cited("See Figure 3 and the same.", "", "the same", "direct"),),
        ),
        Image(
            "f2.jpg",
            _OUTER,
            "(b)",
            columns={"caption_from": "group", "credit": "Courtesy of Dr. Other."},
            mentions=(Cited("See Figure 3 and the same.", "", "the same", "direct"),),
        ),
    ),
    pitfall(
        22,
        "figures without id",
        article((fig(1, _BEFORE) + fig(2, _AFTER)).replace(' id="f1"', "").replace(' id="f2"', "")),
        kept(1, _BEFORE, fig_id=None),
        kept(2, _AFTER, fig_id=None),
    ),
)


def _translation(body: str) -> str:
    return f'<sub-article article-type="translation" xml:lang="es"><front-stub/><body>{body}</body></sub-article>'


def _cites(text: str) -> str:
    return f'<p>{text} <xref ref-type="fig" rid="f1">Fig. 1</xref>.</p>'


_CITED = (Cited("The loss is shown in Fig. 1.", "", "Fig. 1", "direct"),)

_TRANSLATED = (
    pitfall(
        23,
        "a translation that repeats the ids",
        article(
            _cites("The loss is shown in") + fig(1, _OUTER),
            more=_translation(_cites("La pérdida se ve en") + fig(1, "RM sagital de la columna.", image("f1-es"))),
        ),
        kept(1, _OUTER, mentions=_CITED),
        dropped("scope", "f1-es.jpg"),
    ),
    pitfall(
        None,
        "an image that the article and its translation share",
        article(fig(1, _OUTER), more=_translation(fig(1, "RM sagital de la columna."))),
        kept(1, _OUTER),
        dropped("scope", "f1.jpg"),
    ),
    pitfall(
        None,
        "a figure only in a sub-article",
        article("<p>No image.</p>", more=_translation(fig(1, "TC axial.", label="Figura {}"))),
        dropped("scope", "f1.jpg"),
    ),
)

GROUPS = (*_GROUPS, *_NESTED, *_TRANSLATED)
