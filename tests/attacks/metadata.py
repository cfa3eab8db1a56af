"""Metadata of the cloud layout that are not JSON, belong to another article, or contain unexpected values."""

from __future__ import annotations

import json
from typing import Any

from tests.attacks import RELEASED, Attack, made, refused
from tests.attacks.pickles import in_place

KEY = "PMC{n}.1"
"""The article of an attack; {n} is filled in when its folder is written."""

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
    """Returns the metadata with one more value, written literally."""
    return f'{text()[:-1]}, "{name}": {value}}}'.encode()


def instead(name: str, value: str) -> bytes:
    """Returns the metadata with another value, written literally."""
    return raw(value, name).replace(f'"{name}": {json.dumps(GOOD[name])}, '.encode(), b"", 1)


def odd(name: str, value: Any) -> Attack:
    # A number can be the code of an unknown licence, which contradicts the licence in the XML.
    outcome = "license" if (name, value) == ("license_code", -1) else RELEASED
    return Attack(f"{name} is {str(value)[:20]!r}", made(text(**{name: value}).encode()), outcome)


NO_JSON = "metadata: not JSON"
ODD: tuple[Any, ...] = (None, True, -1, 1e300, "", " ", "x" * 100_000, [], [[]], {}, {"a": 1}, ["x", None, 3, {}])
"""Values of all types, all of them unexpected."""

METADATA = [
    refused("empty metadata", made(b""), NO_JSON),
    refused("a web page as metadata", made(b"<html>404</html>"), NO_JSON),
    refused("a pickle as metadata", in_place("a pickle in letters"), NO_JSON),
    refused("truncated metadata", made(text().encode()[:-9]), NO_JSON),
    refused("metadata of 2 MB", made(b" " * (2 << 20) + text().encode()), "metadata: more than 1048576 bytes"),
    refused("lists nested 100,000 deep", made(b"[" * 100_000), NO_JSON),
    refused("objects nested 100,000 deep", made(b'{"a":' * 100_000), NO_JSON),
    refused("lists nested 100,000 deep in a value", made(raw("[" * 100_000 + "]" * 100_000)), NO_JSON),
    refused("a number of 10,000 digits", made(raw("9" * 10_000)), NO_JSON),
    Attack("a number that overflows", made(raw("1e999999"))),
    Attack("NaN and infinity", made(raw("[NaN, Infinity, -Infinity]"))),
    Attack("a PMID of 4,000 digits", made(instead("pmid", "9" * 4000))),
    Attack("a version that overflows", made(instead("version", "1e999"))),
    refused("a duplicate key", made(raw("8", "pmid")), "metadata: duplicate key"),
    refused("a list as metadata", made(f"[{text()}]".encode()), "metadata: not a JSON object"),
    refused("a number as metadata", made(b"7"), "metadata: not a JSON object"),
    refused("metadata in Latin-1", made(text().replace("A case", "\u00e9").encode("latin-1")), NO_JSON),
    Attack("metadata in UTF-16", made(text().encode("utf-16"))),
    refused("metadata of another article", made(text(pmcid="PMC99999999").encode()), "metadata: of another article"),
    refused("metadata of another version", made(text(version=2).encode()), "metadata: of another article or version"),
    refused("metadata without an article id",
            made(text(pmcid=None, version=None, xml_url=None).encode()), "metadata: no article"),
    refused("an XML of another article",
            made(text(xml_url="s3://b/PMC9.1/PMC9.1.xml").encode()), "metadata: xml_url"),
    Attack("lone surrogates",
           made(text(title="\ud83d", doi="\udfff", media_urls=[f"s3://b/{KEY}/\ud800.jpg"]).encode())),
    Attack("escape sequences in metadata",
           made(text(title="\x1b[2J\u202e", citation="\x1b]0;x\x07", doi="\x00\x1b").encode())),
    Attack("media outside the folder",
           made(text(media_urls=[f"s3://b/{KEY}/../../../escaped.jpg", f"file:///{KEY}//etc/passwd"]).encode())),
    Attack("20,000 media", made(text(media_urls=[f"s3://b/{KEY}/{i}" for i in range(20_000)]).encode())),
    *(odd(name, value) for name in ("title", "doi", "media_urls", "license_code") for value in ODD),
]  # fmt: skip
