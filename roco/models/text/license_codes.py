"""Reads licences written for machines: URLs, and the codes of file lists and of PMC's metadata.

Called by `licenses.normalise` for every place that holds a URL or a code. A URL counts only by its exact host and the
parts of its path; substrings are never searched, so `example.org/?creativecommons.org/licenses/by` is no licence.
"""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

from roco.models.text.license_words import Grant, fold, grant_of

_CC_HOSTS = frozenset({"creativecommons.org", "www.creativecommons.org", "i.creativecommons.org"})
# By host and first part of the path: licences of publishers and of the British government.
_OTHER_LICENSES = {
    ("elsevier.com", "open-access"): "PUBLISHER-OA",
    ("elsevier.com", "tdm"): "TDM",
    ("springer.com", "tdm"): "TDM",
    ("springernature.com", "open-research"): "PUBLISHER-OA",
    ("pubs.acs.org", "page"): "PUBLISHER-OA",
    ("pubsapp.acs.org", "page"): "PUBLISHER-OA",
    ("nationalarchives.gov.uk", "doc"): "OGL",
}
_CODES = {
    "no-cc": "NO-CC",
    "no-cc-code": "NO-CC",
    "cc-no": "NO-CC",
    "cc0": "CC0",
    "cc-0": "CC0",
    "cc-zero": "CC0",
    "cc0-1.0": "CC0",
    "cc0license": "CC0",
    "tdm": "TDM",
    "none": "NONE",
    "pdm": "PDM",
    "public-domain": "PDM",
    "phe-timebound": "PHE",
}
# `cc-by-nc-4.0-igo`, and `ccbyncndlicense` in the attribute content-type of PMC's ali:license_ref.
_CODE = re.compile(
    r"cc-?(?P<parts>(?:by|nc|nd|sa)(?:-(?:by|nc|nd|sa))*)(?:-(?P<version>[1-4]\.\d))?(?:-(?P<port>igo|[a-z]{2}))?"
)
_CODE_WITHOUT_HYPHENS = re.compile(r"cc(?P<parts>(?:by|nc|nd|sa)+)license")
_BEFORE_URL = re.compile(r"\W*")
_AFTER_URL = re.compile(r"[^\w/=&%#+~-]*")
_LICENSE_FOLDERS = ("licenses", "license", "licences", "licence", "l")


def bare_url(url: str) -> str:
    """Returns a URL as written, without the brackets and punctuation of the sentence that it was copied from."""
    bare = url[_leading(_BEFORE_URL, url) :]
    # Matched from the end: a search for what ends there begins at each character of 64 KB of spaces, and takes seconds.
    return bare[: len(bare) - _leading(_AFTER_URL, bare[::-1])]


def _leading(pattern: re.Pattern[str], text: str) -> int:
    """Returns the length of the match at the beginning of a text."""
    match = pattern.match(text)
    return match.end() if match else 0


def from_url(url: str | None) -> Grant | None:
    """Reads the URL of a licence; returns None for any other URL or text."""
    text = bare_url(fold(url))
    text = "http://" + re.sub(r"(?i)^https?:?/+", "", text)
    try:
        parts = urlsplit(text)
        host = (parts.hostname or "").lower()
    except ValueError:
        return None
    if "@" in parts.netloc:  # the host of creativecommons.org@example.org is example.org
        return None
    decoded = (fold(unquote(part)).lower() for part in unquote(parts.path).split("/"))
    path = [part for part in decoded if part]
    if host in _CC_HOSTS:
        return _creative_commons(path)
    first_part = path[0] if path else ""
    license = _OTHER_LICENSES.get((host.removeprefix("www."), first_part))
    return Grant(license, host) if license else None


def from_code(code: str | None) -> Grant | None:
    """Reads the code of a file list, of the bucket's metadata, or of PMC's ali:license_ref; None if it is unknown."""
    folded = fold(code)
    key = re.sub(r"[\s_-]+", "-", folded.lower()).strip("-")
    if key in _CODES:
        return Grant(_CODES[key], folded)
    if match := _CODE.fullmatch(key):
        return grant_of(match["parts"].split("-"), folded, match["version"], match["port"])
    if match := _CODE_WITHOUT_HYPHENS.fullmatch(key):
        return grant_of(re.findall("by|nc|nd|sa", match["parts"]), folded)
    return None


def _creative_commons(path: list[str]) -> Grant:
    """Reads the path of a Creative Commons URL; CC-UNSPECIFIED if it names no licence."""
    if path[:1] == ["publicdomain"] or path[:2] == ["licenses", "publicdomain"]:
        return _public_domain(path)
    if len(path) > 1 and path[0] in _LICENSE_FOLDERS:
        return _license_in_path(path[1], path[2:4])
    return Grant("CC-UNSPECIFIED", "creativecommons.org")


def _public_domain(path: list[str]) -> Grant:
    """Reads `publicdomain/zero/1.0`, `publicdomain/mark/1.0`, and the old `licenses/publicdomain`."""
    version = path[2] if len(path) > 2 and re.fullmatch(r"1\.\d", path[2]) else None
    short = "/".join(path[1:3])
    if path[0] == "licenses":
        return Grant("PDM", short, version)
    name = path[1] if len(path) > 1 else ""
    return Grant({"zero": "CC0", "mark": "PDM"}.get(name, "CC-UNSPECIFIED"), short, version)


def _license_in_path(terms: str, rest: list[str]) -> Grant:
    """Reads `by-nc` and the parts of the path after it, such as `3.0`, `igo`."""
    tail = [part.rstrip(").,;") for part in rest]
    version = _first_match(r"[1-4]\.\d", tail)
    port = None
    if version is not None and version < "4":  # version 4.0 has no ports; a part such as "de" is a language there
        port = _first_match(r"igo|[a-z]{2}|scotland", tail)
    short = "/".join(part for part in (terms, version, port) if part)
    grant = grant_of(re.split(r"[-_ ]+", terms), short, version, port)
    return grant or Grant("CC-UNSPECIFIED", terms[:20])


def _first_match(pattern: str, parts: list[str]) -> str | None:
    return next((part for part in parts if re.fullmatch(pattern, part)), None)
