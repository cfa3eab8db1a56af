"""Several graphics in one figure: thumbnails and renditions of one image, or several images."""

from __future__ import annotations

from tests.sources.jats.pitfalls.form import article, fig, image, kept, pitfall

_ONE = "Axial T2-weighted MR image of the brain with a lesion of the pons."
_TWO = "Digital subtraction angiogram of the left vertebral artery."


def _alternatives(*graphics: str) -> str:
    return f"<alternatives>{''.join(graphics)}</alternatives>"


def _thumb(name: str, small: str, of: str) -> tuple[str, str]:
    """Two graphics: an image, and what an attribute calls its thumbnail."""
    return image(name, 'content-type="image"'), image(small, of)


_THUMBNAILS = (
    pitfall(
        12,
        "a thumbnail marked by content-type",
        article(fig(1, _ONE, "".join(_thumb("f1", "f1-small", 'content-type="thumb"'))) + fig(2, _TWO)),
        kept(1, _ONE, n_graphics=1),
        kept(2, _TWO),
        spare=("f1-small.jpg",),
    ),
    pitfall(
        12,
        "a thumbnail marked by specific-use",
        article(fig(1, _ONE, "".join(_thumb("f1", "f1-s", 'specific-use="thumbnail"')))),
        kept(1, _ONE, n_graphics=1),
        spare=("f1-s.gif",),
    ),
    pitfall(
        12,
        "a thumbnail before its image",
        article(fig(1, _ONE, "".join(reversed(_thumb("f1", "f1-s", 'specific-use="thumbnail"'))))),
        kept(1, _ONE, n_graphics=1),
        spare=("f1-s.gif",),
    ),
    pitfall(
        12,
        "a thumbnail recognised only by its name",
        article(fig(1, _ONE, image("gf001.jpg") + image("gf001.thumbnail.jpg"))),
        kept(1, _ONE, "gf001.jpg", n_graphics=1),
        spare=("gf001.thumbnail.jpg",),
    ),
    pitfall(
        None,
        "alternatives with renditions for the web",
        article(
            fig(
                1,
                _ONE,
                _alternatives(
                    image("0101-gf01.tif"),
                    image("0101-gf01.png", 'specific-use="scielo-web"'),
                    image("0101-gf01.thumbnail.jpg", 'specific-use="scielo-web" content-type="scielo-267x140"'),
                ),
            )
        ),
        kept(1, _ONE, "0101-gf01.png", n_graphics=1),
        spare=("0101-gf01.tif", "0101-gf01.thumbnail.jpg"),
    ),
    pitfall(
        None,
        "alternatives with unrelated names",
        article(
            fig(
                1,
                _ONE,
                _alternatives(
                    image("https://store.example.org/a/7f31aa.tif"),
                    image("https://store.example.org/a/09bc44.png", 'specific-use="scielo-web"'),
                    image(
                        "https://store.example.org/a/e3d100.jpg",
                        'specific-use="scielo-web" content-type="scielo-267x140"',
                    ),
                ),
            )
        ),
        kept(1, _ONE, "09bc44.png", n_graphics=1),
        spare=("7f31aa.tif", "e3d100.jpg"),
    ),
)

_PRINT, _ONLINE, _HIGH = (image(f"{kind}-1", f'content-type="{kind}"') for kind in ("print", "online", "high"))

_MEDIA = (
    pitfall(
        13,
        "one image for print and screen",
        article(fig(1, _ONE, _PRINT + _ONLINE)),
        kept(1, _ONE, "online-1.jpg", n_graphics=1),
        spare=("print-1.jpg",),
    ),
    pitfall(
        13,
        "one image for print, screen and in high resolution",
        article(fig(1, _ONE, _PRINT + _ONLINE + _HIGH)),
        kept(1, _ONE, "high-1.jpg", n_graphics=1),
        spare=("print-1.jpg", "online-1.jpg"),
    ),
    pitfall(
        14,
        "alternatives that begin with a master file missing from the package",
        article(
            fig(1, _ONE, _alternatives(image("m1.tif", 'mime-subtype="tiff"'), image("w1.png", 'mime-subtype="png"')))
        ),
        kept(1, _ONE, "w1.png", n_graphics=1),
    ),
    pitfall(
        14,
        "alternatives that begin with a drawing",
        article(fig(1, _ONE, _alternatives(image("m1.eps", 'mime-subtype="eps"'), image("w1.jpg")))),
        kept(1, _ONE, "w1.jpg", n_graphics=1),
        spare=("m1.eps",),
    ),
    pitfall(
        14,
        "alternatives with a TIFF beside the JPEG",
        article(fig(1, _ONE, _alternatives(image("m1.tif", 'mime-subtype="tiff"'), image("w1.jpg")))),
        kept(1, _ONE, "w1.jpg", n_graphics=1),
        spare=("m1.tif",),
    ),
    pitfall(
        15,
        "the caption is not next to the graphic",
        article(fig(1, _ONE, _alternatives(image("f1"))) + fig(2, _TWO, f"<p>{image('f2')}</p>")),
        kept(1, _ONE),
        kept(2, _TWO),
    ),
    pitfall(
        None,
        "two graphics with the same stem",
        article(fig(1, _ONE, image("f1.tif") + image("f1.jpg")) + fig(2, _TWO, image("f2.jpg") + image("f2.gif"))),
        kept(1, _ONE, n_graphics=1),
        kept(2, _TWO, n_graphics=1),
        spare=("f1.tif", "f2.gif"),
    ),
)

_PANELS = "Four views of the same ankle: (a, b) at admission, (c, d) after six weeks."

_FINGERS = "Radiographs of the left index finger and of the thumb."

_SEVERAL = (
    pitfall(
        16,
        "several images in one figure",
        article(fig(4, _PANELS, "\n".join(image(f"g004{panel}") for panel in "abcd"))),
        *(kept(4, _PANELS, f"g004{panel}.jpg", n_graphics=4) for panel in "abcd"),
    ),
    pitfall(
        16,
        "several images in one figure, each with renditions",
        article(
            fig(
                1,
                _ONE,
                "".join(_alternatives(image(f"{panel}.tif"), image(f"{panel}.jpg")) for panel in ("left", "right")),
            )
        ),
        kept(1, _ONE, "left.jpg", n_graphics=2),
        kept(1, _ONE, "right.jpg", n_graphics=2),
        spare=("left.tif", "right.tif"),
    ),
    pitfall(
        None,
        "an image of a thumb is not a thumbnail",
        article(fig(1, _FINGERS, image("left-index.jpg") + image("left-thumb.jpg"))),
        kept(1, _FINGERS, "left-index.jpg", n_graphics=2),
        kept(1, _FINGERS, "left-thumb.jpg", n_graphics=2),
    ),
    pitfall(
        None,
        "the same image in two figures",
        article(fig(1, _ONE, image("shared")) + fig(2, _TWO, image("shared"))),
        kept(1, _ONE, "shared.jpg"),
        kept(2, _TWO, "shared.jpg"),
    ),
)

RENDITIONS = (*_THUMBNAILS, *_MEDIA, *_SEVERAL)
