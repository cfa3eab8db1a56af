"""What the caption of a figure is, and what only stands near it."""

from __future__ import annotations

from tests.sources.jats.pitfalls.form import Image, Pitfall, article, fig, image, kept, pitfall

_CHEST = "Frontal chest radiograph with bilateral perihilar opacities."
_HIP = "Coronal STIR image of both hips with marrow oedema on the right."

_ABSENT = (
    pitfall(
        20,
        "no caption",
        article(fig(1) + fig(2, _CHEST)),
        kept(1, None),
        kept(2, _CHEST),
    ),
    pitfall(
        21,
        "no caption after a figure that has one",
        article(fig(1, _CHEST) + fig(2) + fig(3, _HIP) + fig(4)),
        kept(1, _CHEST),
        kept(2, None),
        kept(3, _HIP),
        kept(4, None),
    ),
    pitfall(
        20,
        "a caption without text",
        article(fig(1, _CHEST) + fig(2, "<title/><p> </p>")),
        kept(1, _CHEST),
        kept(2, None),
    ),
    pitfall(
        24,
        "no label",
        article(fig(1, _CHEST, label="")),
        Image("f1.jpg", _CHEST, None),
    ),
    pitfall(
        25,
        "a note in the figure has its own label",
        article(fig(1, _CHEST, f"{image('f1')}<p><fn><label>*</label><p>Both readers agreed.</p></fn></p>")),
        kept(1, _CHEST),
    ),
    pitfall(
        25,
        "only the note has a label",
        article(fig(1, _CHEST, f"{image('f1')}<p><fn><label>*</label><p>One reader.</p></fn></p>", label="")),
        Image("f1.jpg", _CHEST, None),
    ),
)


def _one(number: int | None, name: str, written: str, read: str, graphic: str | None = None) -> Pitfall:
    """One figure with a caption as written, and as it must be read."""
    return pitfall(number, name, article(fig(1, written, graphic)), kept(1, read))


_ITEMS = (
    "<list><list-item><label>{}</label><p>{}</p></list-item><list-item><label>{}</label><p>{}</p></list-item></list>"
)

_BLOCKS = (
    _one(
        28,
        "a title, then words in italics and bold",
        "<title>CT of <italic>the</italic> chest.</title>\n<p>A <bold>lung <italic>window</italic></bold> is set.</p>",
        "CT of the chest. A lung window is set.",
    ),
    _one(
        29,
        "blocks without space between them",
        "<title>MR of the pelvis.</title><p>T2 image before treatment.</p><p>T2 image after treatment.</p>",
        "MR of the pelvis. T2 image before treatment. T2 image after treatment.",
    ),
    _one(
        30,
        "a list in the caption",
        f"<p>Two phases of one CT.</p>{_ITEMS.format('a', 'Arterial.', 'b', 'Portal venous.')}",
        "Two phases of one CT. a Arterial. b Portal venous.",
    ),
    _one(
        None,
        "a title that is the whole caption",
        "<title>Oblique mammogram with a spiculated mass</title>",
        "Oblique mammogram with a spiculated mass",
    ),
    _one(
        None,
        "a caption over several lines",
        "<p>Longitudinal sonogram\n\t of the Achilles tendon,\r\n   thickened.</p>",
        "Longitudinal sonogram of the Achilles tendon, thickened.",
    ),
)


def _captions(*each: tuple[str, str]) -> str:
    """A figure with several captions: attributes and text."""
    found = "".join(f"<caption {attrs}><p>{text}</p></caption>" for attrs, text in each)
    return fig(1, "", found + image("f1"))


_SEVERAL = (
    pitfall(
        31,
        "a caption for print and one for the screen",
        article(
            _captions(
                ('specific-use="print"', "Grey-scale Doppler image; colour online."),
                ('specific-use="online"', "Colour Doppler image of the portal vein."),
            )
        ),
        kept(1, "Colour Doppler image of the portal vein."),
    ),
    pitfall(
        31,
        "captions in two languages",
        article(
            _captions(
                ('xml:lang="pt"', "Radiografia do joelho em perfil."),
                ('xml:lang="en"', "Radiograph of the knee, lateral view."),
            )
        ),
        kept(1, "Radiograph of the knee, lateral view."),
    ),
    pitfall(
        None,
        "a caption with its translation into English",
        article(
            _captions(
                ('xml:lang="es"', "Tomografía axial del tórax."),
                ('xml:lang="en" content-type="translation"', "Axial CT of the thorax."),
            ),
            lang="es",
        ),
        kept(1, "Axial CT of the thorax."),
    ),
)

_TEX = r"<tex-math>\documentclass[12pt]{minimal}\usepackage{amsmath}\begin{document}$$x^2$$\end{document}</tex-math>"
_WORDS = "<textual-form>x²</textual-form>"
_MATHML = "<mml:math><mml:msup><mml:mi>x</mml:mi><mml:mn>2</mml:mn></mml:msup></mml:math>"

_FORMULAS = (
    _one(
        32,
        "a formula in LaTeX and MathML",
        f"<p>Signal follows <inline-formula><alternatives>{_TEX}{_MATHML}</alternatives></inline-formula> in both.</p>",
        "Signal follows x2 in both.",
    ),
    _one(
        32,
        "a formula in LaTeX and plain text",
        f"<p>Area is <inline-formula><alternatives>{_TEX}{_WORDS}</alternatives></inline-formula>.</p>",
        "Area is x².",
    ),
    _one(
        33,
        "MathML beside its LaTeX copy",
        f"<p>Decay with <inline-formula>{_MATHML}{_TEX}</inline-formula> on the map.</p>",
        "Decay with x2 on the map.",
    ),
    _one(
        34,
        "superscript and subscript",
        "<p>T<sub>2</sub>-weighted image, b = 10<sup>3</sup> s/mm<sup>2</sup>.</p>",
        "T2-weighted image, b = 103 s/mm2.",
    ),
)

_INLINE = (
    _one(
        35,
        "citations in the caption",
        '<p>Lodwick type I [<xref ref-type="bibr" rid="b1">1</xref>,<xref rid="b2">2</xref>] of the tibia.</p>',
        "Lodwick type I [1,2] of the tibia.",
    ),
    _one(
        36,
        "comments and instructions",
        "<p>Barium <!-- check the name -->swallow with a Zen<!-- wrap -->ker<?width 50%?> pouch.</p>",
        "Barium swallow with a Zenker pouch.",
    ),
    _one(
        None,
        "alternative text for machines",
        "<p>Scout view.</p>",
        "Scout view.",
        f"<alt-text>a picture</alt-text><long-desc>a grey picture</long-desc>{image('f1')}",
    ),
    _one(
        None,
        "a caption of more than two thousand characters",
        f"<p>{' '.join(f'Slice {n}: the lesion measures {n} mm and enhances at the rim.' for n in range(10, 60))}</p>",
        " ".join(f"Slice {n}: the lesion measures {n} mm and enhances at the rim." for n in range(10, 60)),
    ),
    pitfall(
        None,
        "a credit below the image is not a caption",
        article(
            fig(1, f"<title>{_HIP}</title>", f"{image('f1')}<attrib>Source: files of the <bold>clinic</bold>.</attrib>")
        ),
        kept(1, _HIP, credit="Source: files of the clinic."),
    ),
    pitfall(
        None,
        "permissions of the figure are not a caption",
        article(
            fig(
                1,
                _CHEST,
                f"""{image("f1")}<permissions><copyright-statement>© 2012 Other Press</copyright-statement>
                <license><license-p>Used with permission.</license-p></license></permissions>""",
            )
        ),
        kept(1, _CHEST, credit="© 2012 Other Press Used with permission."),
    ),
)

CAPTIONS = (*_ABSENT, *_BLOCKS, *_SEVERAL, *_FORMULAS, *_INLINE)
