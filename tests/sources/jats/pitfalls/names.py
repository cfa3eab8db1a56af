"""How an article names an image, and how its package does."""

from __future__ import annotations

import unicodedata

from tests.sources.jats.pitfalls.form import Image, article, dropped, fig, image, kept, pitfall

_AXIAL = "Axial CT of the abdomen at the level of the kidneys."
_LATERAL = "Lateral radiograph of the cervical spine."
_SONO = "Sonogram of the gall bladder with two stones."

_EXTENSIONS = (
    pitfall(
        4,
        "a name without extension",
        article(fig(1, _AXIAL, image("rad.0001.g001")) + fig(2, _SONO, image("rad.0001.g002"))),
        kept(1, _AXIAL, "rad.0001.g001.jpg"),
        kept(2, _SONO, "rad.0001.g002.png"),
        spare=("rad.0001.pdf",),
    ),
    pitfall(
        5,
        "a name with an extension matches that file",
        article(fig(1, _AXIAL, image("scan-g005.webp"))),
        kept(1, _AXIAL, "scan-g005.webp"),
        spare=("scan-g005.jpg",),
    ),
    pitfall(
        6,
        "one stem, three files",
        article(fig(1, _AXIAL)),
        kept(1, _AXIAL, "f1.jpg"),
        spare=("f1.gif", "f1.tif"),
    ),
    pitfall(
        7,
        "dots within the name",
        article(fig(1, _AXIAL, image("RADCASE2013-64.001")) + fig(2, _SONO, image("RADCASE2013-64.002"))),
        kept(1, _AXIAL, "RADCASE2013-64.001.jpg"),
        kept(2, _SONO, "RADCASE2013-64.002.jpg"),
    ),
    pitfall(
        7,
        "a longer name is not a rendition of a shorter one",
        article(fig(1, _AXIAL, image("RADCASE2013-64.003"))),
        dropped("missing"),
        dropped("scope", "RADCASE2013-64.jpg"),
    ),
    pitfall(
        11,
        "a GIF beside the JPEG is its thumbnail",
        article(fig(1, _AXIAL, image("f1.gif")) + fig(2, _SONO)),
        kept(1, _AXIAL, "f1.jpg"),
        kept(2, _SONO, "f2.jpg"),
        spare=("f1.gif", "f2.gif"),
    ),
    pitfall(11, "a GIF alone is the image", article(fig(1, _SONO)), kept(1, _SONO, "f1.gif")),
    pitfall(
        None,
        "a name whose file is missing",
        article(fig(1, _AXIAL) + fig(2, _SONO)),
        dropped("missing"),
        kept(2, _SONO),
    ),
)

_UMLAUT = unicodedata.normalize("NFD", "Röntgen-f4.jpg")

_SPELLINGS = (
    pitfall(
        8,
        "brackets, spaces, signs and accents",
        article(
            fig(1, _AXIAL, image("RC_51(2)_148-151-f1"))
            + fig(2, _SONO, image("neck%20view.jpg"))
            + fig(3, _LATERAL, image("M&amp;M f3.jpg"))
            + fig(4, "Periapical film of a molar.", image("Röntgen-f4"))
        ),
        kept(1, _AXIAL, "RC_51(2)_148-151-f1.jpg"),
        kept(2, _SONO, "neck view.jpg"),
        kept(3, _LATERAL, "M&M f3.jpg"),
        kept(4, "Periapical film of a molar.", _UMLAUT),
    ),
    pitfall(
        9,
        "a name in another case",
        article(fig(1, _AXIAL, image("F1.JPG")) + fig(2, _SONO, image("scan-B"))),
        kept(1, _AXIAL, "f1.jpg"),
        kept(2, _SONO, "SCAN-b.Jpg"),
    ),
    pitfall(
        9,
        "two files that differ only by case",
        article(fig(1, _AXIAL, image("scan.jpg"))),
        kept(1, _AXIAL, "scan.jpg"),
        dropped("scope", "SCAN.jpg"),
    ),
    pitfall(
        9,
        "a name in another case that matches two files",
        article(fig(1, _AXIAL, image("Scan.jpg"))),
        dropped("missing"),
        dropped("scope", "SCAN.jpg"),
        dropped("scope", "scan.jpg"),
    ),
    pitfall(
        None,
        "names that end in the letters of an extension",
        article(fig(1, _AXIAL, image("jpg.lung.gpj")) + fig(2, _SONO, image("xml.limx"))),
        kept(1, _AXIAL, "jpg.lung.gpj.jpg"),
        kept(2, _SONO, "xml.limx.jpg"),
    ),
    pitfall(
        None,
        "an id before the name",
        article(fig(1, _AXIAL, '<graphic id="g1" xlink:href="scan-7"/>')),
        kept(1, _AXIAL, "scan-7.jpg"),
    ),
)

_PLACES = (
    pitfall(
        None,
        "a DOI as the name",
        article(fig(1, _AXIAL, image("info:doi/10.5555/journal.prad.0030041.g001"))),
        kept(1, _AXIAL, "prad.0030041.g001.png"),
    ),
    pitfall(
        None,
        "a URL as the name",
        article(fig(1, _AXIAL, image("https://media.example.org/store/9/4f1c.jpg?size=full#top"))),
        kept(1, _AXIAL, "4f1c.jpg"),
    ),
    pitfall(
        None,
        "a path out of the folder",
        article(fig(1, _AXIAL, image("../images/knee.png"))),
        kept(1, _AXIAL, "knee.png"),
    ),
    pitfall(
        None,
        "a path within the package",
        article(fig(1, _AXIAL, image("figures/knee.png"))),
        kept(1, _AXIAL, "figures/knee.png"),
        dropped("scope", "old/knee.png"),
    ),
)

_GR1 = "Coronal MR image of the {} knee."
SAME_NAME = tuple(
    pitfall(
        10,
        f"a name that another article uses too, {side}",
        article(fig(1, _GR1.format(side), image("gr1")), ids=f'<article-id pub-id-type="pmc">{pmc}</article-id>'),
        Image("gr1.jpg", _GR1.format(side), "Figure 1", columns={"article_key": f"PMC{pmc}"}),
    )
    for side, pmc in (("left", 7000201), ("right", 7000202))
)
"""Two articles, each with an image gr1.jpg of its own."""

NAMES = (*_EXTENSIONS, *_SPELLINGS, *_PLACES, *SAME_NAME)
