"""Metadata of the cloud layout that are no JSON, are of something else, or hold what nobody expects."""

from __future__ import annotations

import json
from typing import Any

from tests.attacks import RELEASED, Attack, made, refused

KEY = "PMC{n}.1"
"""The article that an attack stands for; {n} is put in by whoever writes its folder."""

GOOD: dict[str, Any] = {
    "pmcid": "PMC{n}",
    "version": 1,
    "pmid": 7,
    "doi": "10.1234/x",
    "title": "A case",
    "license_code": "CC BY",
    "is_pmc_openaccess": True,
    "is_manuscript": False,
    "is_retracted": False,
    "xml_url": f"s3://bucket/{KEY}/{KEY}.xml",
    "media_urls": [f"s3://bucket/{KEY}/f1.jpg"],
}


def text(**other: Any) -> str:
    return json.dumps(GOOD | other)


def raw(value: str, name: str = "more") -> bytes:
    """The metadata with one more value, written as it stands here."""
    return f'{text()[:-1]}, "{name}": {value}}}'.encode()


def instead(name: str, value: str) -> bytes:
    """The metadata with another value, written as it stands here."""
    return raw(value, name).replace(f'"{name}": {json.dumps(GOOD[name])}, '.encode(), b"", 1)


def odd(name: str, value: Any) -> Attack:
    # A number may well be a code, of a licence that nobody knows; it is not the one that the XML names.
    ends = "license" if (name, value) == ("license_code", -1) else RELEASED
    return Attack(f"{name} is {str(value)[:20]!r}", made(text(**{name: value}).encode()), ends)


NO_JSON = "metadata: not JSON"
ODD: tuple[Any, ...] = (None, True, -1, 1e300, "", " ", "x" * 100_000, [], [[]], {}, {"a": 1}, ["x", None, 3, {}])
"""Values of all types, none of which is expected."""

METADATA = [
    refused("empty metadata", made(b""), NO_JSON),
    refused("metadata that are a web page", made(b"<html>404</html>"), NO_JSON),
    refused("truncated metadata", made(text().encode()[:-9]), NO_JSON),
    refused("metadata of 2 MB", made(b" " * (2 << 20) + text().encode()), "metadata: more than 1048576 bytes"),
    refused("lists 100,000 deep", made(b"[" * 100_000), NO_JSON),
    refused("objects 100,000 deep", made(b'{"a":' * 100_000), NO_JSON),
    refused("lists 100,000 deep in a value", made(raw("[" * 100_000 + "]" * 100_000)), NO_JSON),
    refused("a number of 10,000 digits", made(raw("9" * 10_000)), NO_JSON),
    Attack("a number beyond the range of floats", made(raw("1e999999"))),
    Attack("NaN and Infinity", made(raw("[NaN, Infinity, -Infinity]"))),
    Attack("a PMID of 4,000 digits", made(instead("pmid", "9" * 4000))),
    Attack("a version beyond the range of floats", made(instead("version", "1e999"))),
    refused("a duplicate key", made(raw("8", "pmid")), "metadata: duplicate key"),
    refused("metadata that are a list", made(f"[{text()}]".encode()), "metadata: not a JSON object"),
    refused("metadata that are a number", made(b"7"), "metadata: not a JSON object"),
    refused("metadata in Latin-1", made(text().replace("A case", "\u00e9").encode("latin-1")), NO_JSON),
    Attack("metadata in UTF-16", made(text().encode("utf-16"))),
    refused("metadata of another article", made(text(pmcid="PMC99999999").encode()), "metadata: of another article"),
    refused("metadata of another version", made(text(version=2).encode()), "metadata: of another article or version"),
    refused("metadata without an article", made(text(pmcid=None, version=None, xml_url=None).encode()),
            "metadata: no article"),
    refused("an XML of another article",
            made(text(xml_url="s3://b/PMC9.1/PMC9.1.xml").encode()), "metadata: xml_url"),
    Attack("half surrogates",
           made(text(title="\ud83d", doi="\udfff", media_urls=[f"s3://b/{KEY}/\ud800.jpg"]).encode())),
    Attack("escape sequences in metadata",
           made(text(title="\x1b[2J\u202e", citation="\x1b]0;x\x07", doi="\x00\x1b").encode())),
    Attack("media of other places",
           made(text(media_urls=[f"s3://b/{KEY}/../../../escaped.jpg", f"file:///{KEY}//etc/passwd"]).encode())),
    Attack("media without end", made(text(media_urls=[f"s3://b/{KEY}/{i}" for i in range(20_000)]).encode())),
    *(odd(name, value) for name in ("title", "doi", "media_urls", "license_code") for value in ODD),
]  # fmt: skip
