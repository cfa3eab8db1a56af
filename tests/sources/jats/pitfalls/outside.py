"""What looks like a figure of the article and is none, and what is one in an odd place."""

from __future__ import annotations

from tests.sources.jats.pitfalls.form import article, dropped, fig, image, kept, pitfall

_OWN = "Axial contrast-enhanced CT with a filling defect in the pulmonary trunk."
_MORE = "Ventilation scan of the same patient."

_HOLLOW = (
    pitfall(
        26,
        "figures that contain text or a table",
        article(
            fig(1, "Box of criteria.", "<p>Fever, cough, dyspnoea.</p>")
            + fig(2, "Report as dictated.", "<preformat>NO FOCAL LESION</preformat>")
            + fig(3, "Doses.", "<table-wrap><table><tbody><tr><td>5 mSv</td></tr></tbody></table></table-wrap>")
            + fig(4, _OWN)
        ),
        dropped("no_graphic"),
        dropped("no_graphic"),
        dropped("no_graphic"),
        kept(4, _OWN),
    ),
    pitfall(
        27,
        "a video as a figure",
        article(
            fig(
                1,
                "Cine loop of the left ventricle.",
                '<media mimetype="video" mime-subtype="mp4" xlink:href="v1.mp4"/>',
            )
            + fig(2, _OWN)
        ),
        dropped("video"),
        kept(2, _OWN),
        spare=("v1.mp4",),
    ),
    pitfall(
        27,
        "a video beside its still image",
        article(fig(1, _OWN, f'{image("f1")}<media mimetype="video" xlink:href="v1.mov"/>')),
        kept(1, _OWN),
        spare=("v1.mov",),
    ),
    pitfall(
        None,
        "a still image marked as a medium",
        article(fig(1, _OWN, '<media mimetype="image" mime-subtype="jpeg" xlink:href="f1.jpg"/>')),
        kept(1, _OWN),
    ),
    pitfall(
        None,
        "a graphic without a name",
        article(fig(1, _MORE, image("")) + fig(2, _OWN)),
        dropped("no_graphic"),
        kept(2, _OWN),
    ),
    pitfall(
        None,
        "an image in a paragraph, without a figure",
        article(f"<p>The device: {image('device')}</p>{fig(1, _OWN)}"),
        dropped("scope", "device.jpg"),
        kept(1, _OWN),
    ),
    pitfall(
        38,
        "icons and formulas as images",
        article(
            fig(1, f"<p>{_OWN} Arrow <inline-graphic xlink:href='arrow'/>: thrombus.</p>")
            + "<p>We set <inline-formula><inline-graphic xlink:href='e001'/></inline-formula>, so that</p>"
            + f"<disp-formula id='e2'>{image('e002')}</disp-formula>"
        ),
        kept(1, f"{_OWN} Arrow [symbol]: thrombus."),
        dropped("scope", "arrow.gif"),
        dropped("scope", "e001.jpg"),
        dropped("scope", "e002.jpg"),
    ),
    pitfall(
        39,
        "a table as an image",
        article(
            f"""<table-wrap id="t1"><label>Table 1</label><caption><p>Doses by protocol.</p></caption>
            {image("rad.t001")}</table-wrap>{fig(1, _OWN)}"""
        ),
        dropped("table", "rad.t001.jpg"),
        kept(1, _OWN),
    ),
)

_NOTE = "<caption><p>Further slices are to be had here.</p></caption>"

_BESIDE = (
    pitfall(
        40,
        "a supplement within the figure",
        article(
            fig(
                1,
                _OWN,
                f"""<supplementary-material id="s1">{_NOTE}<media xlink:href="s1.zip"/></supplementary-material>
                {image("f1")}""",
            )
        ),
        kept(1, _OWN),
        spare=("s1.zip",),
    ),
    pitfall(
        40,
        "a figure within the supplement",
        article(
            fig(1, _OWN)
            + f"<sec sec-type='supplementary-material'><supplementary-material>{_NOTE}{fig(2, _MORE)}"
            + "</supplementary-material></sec>"
        ),
        kept(1, _OWN),
        dropped("scope", "f2.jpg"),
    ),
    pitfall(
        43,
        "reviewers' letters and the reply",
        article(
            fig(1, _OWN),
            more=f"""<sub-article article-type="decision-letter"><front-stub/>
            <body>{fig(2, "A plot for the authors.")}</body></sub-article>
            <response response-type="reply"><front-stub/><body><p>{image("r1")}</p></body></response>""",
        ),
        kept(1, _OWN),
        dropped("scope", "f2.jpg"),
        dropped("scope", "r1.jpg"),
    ),
    pitfall(
        44,
        "graphical abstract, portrait, logo and cover",
        article(
            fig(1, _OWN) + fig(2, "Cover of the issue.", attrs='fig-type="cover"'),
            journal=f"<notes><p>{image('logo')}</p></notes>",
            front=f"<abstract abstract-type='graphical'><p>{fig(3, 'The case at a glance.', label='')}</p></abstract>",
            more=f"<back><bio><title>The author</title><p>{image('portrait')}</p></bio></back>",
        ),
        dropped("scope", "logo.png"),
        dropped("scope", "f3.jpg"),
        kept(1, _OWN),
        dropped("scope", "f2.jpg"),
        dropped("scope", "portrait.jpg"),
    ),
    pitfall(
        45,
        "figures in a note and in a biography of an author",
        article(
            fig(1, _OWN),
            more=f"""<back><fn-group><fn><p>{fig(2, "A sketch.")}</p></fn></fn-group>
            <bio>{fig(3, "The author.")}</bio></back>""",
        ),
        kept(1, _OWN),
        dropped("scope", "f2.jpg"),
        dropped("scope", "f3.jpg"),
    ),
)

_PLACES = (
    pitfall(
        45,
        "a figure in the appendix",
        article(
            fig(1, _OWN),
            more=f"<back><app-group><app><title>Appendix</title>{fig(2, _MORE)}</app></app-group></back>",
        ),
        kept(1, _OWN),
        kept(2, _MORE),
    ),
    pitfall(
        41,
        "figures after the text",
        article(
            "<p>See <xref ref-type='fig' rid='f1'>Figure 1</xref>.</p>",
            more=f"<floats-group>{fig(1, _OWN)}{fig(2, _MORE)}</floats-group>",
        ),
        kept(1, _OWN),
        kept(2, _MORE),
    ),
    pitfall(
        42,
        "a figure in a box",
        article(
            f"<boxed-text><caption><title>Teaching point</title></caption><p>Look twice.</p>{fig(1, _OWN)}</boxed-text>"
        ),
        kept(1, _OWN),
    ),
)

OUTSIDE = (*_HOLLOW, *_BESIDE, *_PLACES)
