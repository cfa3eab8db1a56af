"""Writes an article of the demo corpus as JATS 1.3, as journals deliver it to PubMed Central."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from roco.recipes.demo.articles import Article, Fig

HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<!DOCTYPE article PUBLIC "-//NLM//DTD JATS (Z39.96) Journal Archiving and Interchange DTD v1.3 20210610//EN"'
    ' "JATS-archivearticle1-3-mathml3.dtd">\n'
    '<article xmlns:xlink="http://www.w3.org/1999/xlink" xmlns:ali="http://www.niso.org/schemas/ali/1.0/"'
)
URL = "https://creativecommons.org/licenses/{}/4.0/"


def jats(article: Article) -> bytes:
    """Returns the XML of the article, in UTF-8."""
    floats = "".join(_figure(article, f) for f in article.figs if f.where == "floats")
    return (
        f'{HEAD} dtd-version="1.3" article-type="{article.type}" xml:lang="en">\n'
        f"<front>\n{_journal(article)}\n{_meta(article)}\n</front>\n"
        f"<body>\n{_body(article)}\n</body>\n"
        f"<back><ack><p>Article, authors and findings are made up; nobody was examined.</p></ack></back>\n"
        + (f"<floats-group>{floats}</floats-group>\n" if floats else "")
        + _translation(article)
        + "</article>\n"
    ).encode()


def _journal(article: Article) -> str:
    return (
        f'<journal-meta><journal-id journal-id-type="nlm-ta">{article.journal}</journal-id><journal-title-group>'
        f"<journal-title>{article.journal}</journal-title></journal-title-group><publisher>"
        f"<publisher-name>No Press</publisher-name></publisher></journal-meta>"
    )


def _meta(article: Article) -> str:
    number, title = article.pmcid[3:], ("RETRACTED: " if article.retracted else "") + article.title
    return (
        f'<article-meta><article-id pub-id-type="pmcid">{article.pmcid}</article-id>'
        f'<article-id pub-id-type="pmc">{number}</article-id><article-id pub-id-type="pmid">{number}</article-id>'
        f'<article-id pub-id-type="doi">{article.doi}</article-id>'
        f"<title-group><article-title>{escape(title)}</article-title></title-group>\n{_people(article)}\n"
        f'<pub-date pub-type="epub"><day>3</day><month>{article.month}</month><year>{article.year}</year></pub-date>'
        f'<pub-date pub-type="pmc-release"><year>{article.year + 1}</year></pub-date>'
        f"<volume>{article.year - 2014}</volume><elocation-id>e{article.number}</elocation-id>\n"
        f"{_permissions(article)}\n"
        f"<abstract><p>{escape(article.case)}</p></abstract></article-meta>"
    )


def _people(article: Article) -> str:
    """Returns the authors; some articles have a group author, a portrait, or an editor, who is not an author."""
    names = "".join(_person("author", last, first) for last, first in article.authors)
    if article.number % 9 == 0:
        names += '<contrib contrib-type="author"><collab>Drawn Imaging Group</collab></contrib>'
    if article.number % 4 == 0:
        names += _person("editor", "Notauthor", "Una")
    portraits = [_graphic(article, fig, 0) for fig in article.figs if fig.where == "bio"]
    names += "".join(_person("author", "Ottway", "Pia", f"<bio><p>{graphic}</p></bio>") for graphic in portraits)
    return f"<contrib-group>{names}</contrib-group>"


def _person(role: str, last: str, first: str, more: str = "") -> str:
    name = f"<name><surname>{last}</surname><given-names>{first}</given-names></name>"
    return f'<contrib contrib-type="{role}">{name}{more}</contrib>'


def _permissions(article: Article) -> str:
    code = article.xml_license or article.license
    url = URL.format(code.removeprefix("CC ").lower())
    plain = f"<license-p>This is an open access article under the Creative Commons licence {code} 4.0.</license-p>"
    link = f'<ext-link ext-link-type="uri" xlink:href="{url}">{code} 4.0</ext-link>'
    variants = (
        f"<license><ali:license_ref>{url}</ali:license_ref>{plain}</license>",
        f'<license license-type="open-access" xlink:href="{url}">{plain}</license>',
        f'<license license-type="open-access"><license-p>Distributed under {link}.</license-p></license>',
    )
    return (
        f"<permissions><copyright-statement>© {article.year} The Authors</copyright-statement>"
        f"<copyright-year>{article.year}</copyright-year>{variants[article.number % 3]}</permissions>"
    )


def _body(article: Article) -> str:
    mentions, floating = [], []
    for fig in article.figs:
        if fig.id and fig.label and fig.where not in ("sub-article", "nowhere"):
            target = {"table": "table", "media": "other"}.get(fig.where, "fig")
            mentions.append(
                f'<p>See <xref ref-type="{target}" rid="{fig.id}">{fig.label}</xref> for what was found.</p>'
            )
        if fig.where in ("body", "alternatives", "preformat", "media", "table"):
            floating.append(_figure(article, fig))
        if fig.where == "formula":
            mentions.append(
                f"<p>The ratio is <inline-graphic xlink:href={quoteattr(fig.files[0])}/> in every slice.</p>"
            )
    return (
        f"<sec><title>Case</title><p>{escape(article.case)}</p>{''.join(mentions)}</sec>\n"
        f"<sec><title>Findings</title><p>All images are described in their captions.</p>\n"
        + "\n".join(floating)
        + "</sec>"
    )


def _figure(article: Article, fig: Fig) -> str:
    """Returns a fig or table-wrap with its label, caption, graphics and credit."""
    tag = "table-wrap" if fig.where == "table" else "fig"
    title = f"<title>{escape(fig.title)}</title>" if fig.title else ""
    text = f"<caption>{title}<p>{escape(fig.caption)}</p></caption>" if fig.caption else ""
    label = f"<label>{fig.label}</label>" if fig.label else ""
    start = f'<{tag} id="{fig.id}">' if fig.id else f"<{tag}>"
    credit = f"<attrib>{escape(fig.credit)}</attrib>" if fig.credit else ""
    return f"{start}{label}{text}{_content(article, fig)}{credit}</{tag}>"


def _content(article: Article, fig: Fig) -> str:
    if fig.where == "preformat":
        return "<preformat>T1 spin echo, 24 slices of 4 mm</preformat>"
    if fig.where == "media":
        return f'<media mimetype="video" mime-subtype="mp4" xlink:href={quoteattr(fig.files[0])}/>'
    if fig.where == "alternatives":
        master = fig.files[0].rsplit(".", 1)[0] + ".tif"
        first = f'<graphic mimetype="image" mime-subtype="tiff" specific-use="print" xlink:href="{master}"/>'
        return f"<alternatives>{first}{_graphic(article, fig, 0)}</alternatives>"
    return "".join(_graphic(article, fig, k) for k in range(len(fig.files)))


def _graphic(article: Article, fig: Fig, k: int) -> str:
    # Older articles name their images without the extension.
    name = fig.files[k] if article.number % 2 else fig.files[k].rsplit(".", 1)[0]
    return f"<graphic xlink:href={quoteattr(name)}/>"


def _translation(article: Article) -> str:
    figs = "".join(_figure(article, f) for f in article.figs if f.where == "sub-article")
    if not figs:
        return ""
    return (
        '<sub-article article-type="translation" xml:lang="pt"><front-stub><title-group><article-title>Imagens que não '
        f"são figuras do artigo</article-title></title-group></front-stub><body>{figs}</body></sub-article>\n"
    )
