"""The document around the figures: namespaces, wrappers, encodings, entities, ids, dates, scans."""

from __future__ import annotations

import re

from tests.sources.jats.pitfalls.form import XLINK, article, dropped, fig, image, kept, pitfall

_ONE = "Frontal radiograph of the chest with a mass in the left upper lobe."
_BODY = article(fig(1, _ONE))
_MEDIA = 'xmlns:jats="https://jats.nlm.nih.gov/ns/archiving/1.4/"'


def _prefixed(xml: str) -> str:
    """All elements of an article in a namespace of their own, with a prefix."""
    return re.sub(r"<(/?)(?=[a-z])(?!mml:)", r"<\1jats:", xml).replace("<jats:article ", f"<jats:article {_MEDIA} ", 1)


_WRAPPERS = (
    pitfall(
        1,
        "a default namespace",
        _BODY.replace("<article ", '<article xmlns="https://jats.nlm.nih.gov/ns/archiving/1.4/" ', 1),
        kept(1, _ONE),
    ),
    pitfall(1, "a namespace with a prefix", _prefixed(_BODY), kept(1, _ONE)),
    pitfall(2, "an article set as the root", f"<pmc-articleset>{_BODY}</pmc-articleset>", kept(1, _ONE)),
    pitfall(
        2,
        "a harvested record as the root",
        f"""<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><GetRecord><record><header/><metadata>
        {_BODY.replace("<article ", '<article xmlns="https://dtd.nlm.nih.gov/ns/archiving/2.3/" ', 1)}
        </metadata></record></GetRecord></OAI-PMH>""",
        kept(1, _ONE),
    ),
    pitfall(
        None,
        "XLink under another prefix",
        article(fig(1, _ONE)).replace("xmlns:xlink", "xmlns:l").replace("xlink:href", "l:href"),
        kept(1, _ONE),
    ),
    pitfall(
        None,
        "XLink declared only on the graphic",
        re.sub(r'xmlns:xlink="[^"]*" |xlink:href="https[^"]*"', "", _BODY).replace(
            "<graphic ", f'<graphic xmlns:xlink="{XLINK}" '
        ),
        kept(1, _ONE),
    ),
)

_ACCENTED = "Hernia of Bochdalek, follow-up by Müller and Sánchez at 1,5 °C."

_ENCODINGS = (
    pitfall(
        None,
        "a byte order mark",
        b"\xef\xbb\xbf" + f'<?xml version="1.0" encoding="UTF-8"?>{article(fig(1, _ACCENTED))}'.encode(),
        kept(1, _ACCENTED),
    ),
    pitfall(
        None,
        "UTF-16",
        f'<?xml version="1.0" encoding="UTF-16"?>{article(fig(1, _ACCENTED))}'.encode("utf-16"),
        kept(1, _ACCENTED),
    ),
    pitfall(
        None,
        "Latin-1",
        f'<?xml version="1.0" encoding="ISO-8859-1"?>{article(fig(1, _ACCENTED))}'.encode("latin-1"),
        kept(1, _ACCENTED),
    ),
)

_ENTITY = "A node of&nbsp;12&nbsp;mm &plusmn;1, stable &mdash; unlike the pleura."
_ENTITY_READ = "A node of 12 mm \u00b11, stable \u2014 unlike the pleura."

_ENTITIES = (
    pitfall(
        37, "undeclared entities", article(fig(1, _ENTITY)), kept(1, _ENTITY_READ), article={"entity_fallback": True}
    ),
    pitfall(
        37,
        "undeclared entities under a document type",
        '<?xml version="1.0"?>\n<!DOCTYPE article PUBLIC "-//NLM//DTD JATS (Z39.96) Article Authoring DTD v1.1//EN" '
        f'"JATS-articleauthoring1.dtd">\n{article(fig(1, _ENTITY))}',
        kept(1, _ENTITY_READ),
        article={"entity_fallback": True},
    ),
    pitfall(
        None,
        "an entity that the document declares",
        f'<!DOCTYPE article [<!ENTITY gd "gadolinium">]>{article(fig(1, "T1 image after &gd;."))}',
        kept(1, "T1 image after gadolinium."),
        article={"entity_fallback": False},
    ),
)

_TWO = "Renal ultrasound with a cyst of the lower pole."


def _id(kind: str, text: str) -> str:
    return f'<article-id pub-id-type="{kind}">{text}</article-id>'


_IDS = (
    pitfall(
        3,
        "ids of every kind, and a publisher's that looks like a DOI",
        article(
            fig(1, _TWO),
            ids=_id("publisher-id", "10.5555_ri.2021.77")
            + _id("pmcaid", "7000999")
            + _id("pmcaiid", "8123456")
            + _id("pmcid", "PMC7000123")
            + _id("pmcid-ver", "PMC7000123.2")
            + _id("pmid", "31000456"),
        ),
        kept(1, _TWO),
        article={"pmcid": "PMC7000123", "version": 2, "pmid": "31000456", "doi": None},
    ),
    pitfall(
        3,
        "a PMCID without letters, a DOI as an address",
        article(fig(1, _TWO), ids=_id("pmc", "7000124") + _id("doi", "https://doi.org/10.5555/RI.2021.78")),
        kept(1, _TWO),
        article={"pmcid": "PMC7000124", "version": None, "pmid": None, "doi": "10.5555/ri.2021.78"},
    ),
)


def _date(attrs: str, year: int) -> str:
    return f"<pub-date {attrs}><year>{year}</year></pub-date>"


_DATED = (
    pitfall(
        None,
        "dates of several kinds",
        article(
            fig(1, _TWO),
            dates=_date('pub-type="ppub"', 2021)
            + _date('pub-type="epub"', 2020)
            + _date('pub-type="collection"', 2019)
            + _date('pub-type="pmc-release"', 2018),
        ),
        kept(1, _TWO),
        article={
            "year": 2019,
            "year_from": "collection",
            "dates": (("ppub", "2021"), ("epub", "2020"), ("collection", "2019"), ("pmc-release", "2018")),
        },
    ),
    pitfall(
        None,
        "dates in the newer notation",
        article(
            fig(1, _TWO),
            dates=_date('date-type="pub" publication-format="electronic" iso-8601-date="2022-05-06"', 2022)
            + _date('date-type="collection"', 2023),
        ),
        kept(1, _TWO),
        article={"year": 2022, "year_from": "epub"},
    ),
)

_SCANNED = """<custom-meta-group><custom-meta><meta-name>pmc-prop-is-scanned-article</meta-name>
<meta-value>yes</meta-value></custom-meta></custom-meta-group>"""
_PAGES = f'<supplementary-material content-type="scanned-pages">{image("page-0001")}</supplementary-material>'

_SCANS = (
    pitfall(
        51,
        "a scan marked by its metadata",
        article(fig(1, "Skiagram of the wrist."), front=_SCANNED, more=f"<back>{_PAGES}</back>"),
        dropped("scope", "f1.jpg"),
        dropped("scope", "page-0001.gif"),
        article={"scan": True},
    ),
    pitfall(
        51,
        "a scan recognised by the text of its pages",
        article(f'<preformat preformat-type="pmc-ocr-text">Skiagrarn of the wr1st</preformat>{fig(1, "A plate.")}'),
        dropped("scope", "f1.jpg"),
        article={"scan": True},
    ),
    pitfall(
        51,
        "a scan marked by the source",
        article(fig(1, "A plate.")),
        dropped("scope", "f1.jpg"),
        facts='{"ocr": true}',
    ),
)

DOCUMENTS = (*_WRAPPERS, *_ENCODINGS, *_ENTITIES, *_IDS, *_DATED, *_SCANS)
