"""Changes of inputs that keep their structure: text, XML and JSON; archives, PNG and Parquet are in `binary`."""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from random import Random
from typing import Any

from lxml import etree

from tests.fuzz.target import Mutate

NUMBERS = ("0", "-1", "1", "2147483648", "-9223372036854775809", "9" * 30, "9" * 5000, "1e999", "NaN", "0x10", "²", "٣",
           "1_0")  # fmt: skip
ODD = ("", " ", "\0", "\r", "\n", "\t", '"', "'", "\\", "\u202e", "\u2028", "\ufeff", "\ud800", "é", "e\u0301", "𝔸",
       "ß", "İ", "<b>", "&amp;", "%00", "../", "/etc/passwd", "C:\\", "file:///x", "https://a.b/c", "=1+1", "{}", "[]",
       "null", "true", "A" * 300, "x" * 5000)  # fmt: skip


def text(words: Sequence[str] = (), splitters: str = " ,;|\t\n=:\"'[](){}<>/.") -> Mutate:
    """Returns a change of texts: words and odd values are inserted, tokens and lines deleted, repeated and replaced.

    words: those that the format knows.
    """
    pool = [*words, *words, *NUMBERS, *ODD] if words else [*NUMBERS, *ODD]

    def mutate(data: bytes, random: Random) -> bytes:
        written = data.decode("utf-8", "surrogateescape")
        for _ in range(random.choice((1, 1, 1, 2, 4))):
            written = _edited(written, pool, splitters, random)
        return written.encode("utf-8", "surrogateescape" if "\ud800" not in written else "surrogatepass")

    return mutate


def _edited(written: str, pool: Sequence[str], splitters: str, random: Random) -> str:
    how = random.randrange(8)
    at = random.randrange(len(written) + 1)
    if how == 0:
        return written[:at] + random.choice(pool) + written[at:]
    if how == 1:
        return written[:at] + written[at + random.choice((1, 1, 3, 20, 200)) :]
    if how == 2:
        end = min(len(written), at + random.choice((1, 5, 50, 500)))
        return written[:end] + written[at:end] * random.choice((1, 1, 2, 30)) + written[end:]
    if how == 3:
        lines = written.split("\n")
        i, j = random.randrange(len(lines)), random.randrange(len(lines))
        lines[i], lines[j] = lines[j], lines[i]
        return "\n".join(lines)
    if how == 4:
        lines = written.split("\n")
        lines.insert(random.randrange(len(lines) + 1), random.choice(lines))
        return "\n".join(lines)
    if how == 5:
        lines = written.split("\n")
        del lines[random.randrange(len(lines))]
        return "\n".join(lines)
    if how == 6:
        return written[:at] + random.choice(splitters) + written[at:]
    start = at
    while start > 0 and written[start - 1] not in splitters:
        start -= 1
    end = at
    while end < len(written) and written[end] not in splitters:
        end += 1
    return written[:start] + random.choice(pool) + written[end:]


def xml(names: Sequence[str] = (), values: Sequence[str] = ()) -> Mutate:
    """Returns a change of XML: elements are moved, copied, removed, renamed and nested; texts and attributes replaced.

    names: of elements; values: of attributes and texts.
    """
    pool = [*values, *values, *ODD, *NUMBERS] if values else [*ODD, *NUMBERS]
    as_text = text([*names, *values, "<!DOCTYPE a [<!ENTITY b 'c'>]>", "&b;", "&nbsp;", "<![CDATA[", "]]>", "<?a b?>"])

    def mutate(data: bytes, random: Random) -> bytes:
        if random.random() < 0.2:
            return as_text(data, random)
        parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
        root = etree.fromstring(data, parser)
        for _ in range(random.choice((1, 1, 2, 3, 6))):
            _edit_element(root, names, pool, random)
        return etree.tostring(root, encoding="utf-8")

    return mutate


def _edit_element(root: Any, names: Sequence[str], pool: Sequence[str], random: Random) -> None:
    elements = [element for element in root.iter() if isinstance(element.tag, str)]
    one = random.choice(elements)
    how = random.randrange(9)
    if how == 0 and one.getparent() is not None:
        one.getparent().remove(one)
    elif how == 1:
        other = random.choice(elements)
        other.insert(random.randrange(len(other) + 1), copy.deepcopy(one))
    elif how == 2 and names:
        one.tag = random.choice(names)
    elif how == 3:
        one.text = _of_xml(random.choice(pool))
    elif how == 4:
        one.tail = _of_xml(random.choice(pool))
    elif how == 5 and one.attrib:
        one.set(random.choice(list(one.attrib)), _of_xml(random.choice(pool)))
    elif how == 6 and one.attrib:
        del one.attrib[random.choice(list(one.attrib))]
    elif how == 7:
        donor = random.choice(elements)
        if donor.attrib:
            name = random.choice(list(donor.attrib))
            one.set(name, donor.get(name))
    elif random.random() < 0.1:
        inner = one
        for _ in range(random.choice((10, 240, 400))):
            inner = etree.SubElement(inner, one.tag)
    else:
        etree.SubElement(one, random.choice(names) if names else one.tag).text = _of_xml(random.choice(pool))


def _of_xml(value: str) -> str:
    return "".join(
        c for c in value if c in "\t\n" or (c >= " " and c not in "\ufffe\uffff" and not "\ud800" <= c < "\ue000")
    )


def json_text(words: Sequence[str] = ()) -> Mutate:
    """Returns a change of JSON: values are replaced, copied, removed and nested, keys renamed."""
    as_text = text(words)

    def mutate(data: bytes, random: Random) -> bytes:
        if random.random() < 0.2:
            return as_text(data, random)
        root = [json.loads(data)]
        for _ in range(random.choice((1, 1, 2, 4))):
            _edit_json(root, words, random)
        return json.dumps(root[0], ensure_ascii=random.random() < 0.5).encode("utf-8", "surrogatepass")

    return mutate


def odd_value(words: Sequence[str], random: Random) -> Any:
    """Returns a JSON value that a reader may not expect."""
    values = [
        None, True, False, 0, -1, 2**31, 2**63, 10**400, 1.5, 1e308, float("nan"), float("inf"), [], {}, [[]], {"": {}},
    ]  # fmt: skip
    return random.choice([*values, *ODD, *NUMBERS, *words, *words])


def _edit_json(root: list[Any], words: Sequence[str], random: Random) -> None:
    places: list[tuple[Any, Any]] = []
    pending: list[Any] = [root]
    while pending:
        holder = pending.pop()
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        for key in keys:
            places.append((holder, key))
            if isinstance(holder[key], dict | list):
                pending.append(holder[key])
    holder, key = random.choice(places)
    how = random.randrange(5)
    if how == 0:
        holder[key] = odd_value(words, random)
    elif how == 1 and holder is not root:
        del holder[key]
    elif how == 2:
        donor, name = random.choice(places)
        holder[key] = copy.deepcopy(donor[name])
    elif how == 3 and isinstance(holder, dict):
        holder[str(random.choice([*words, *ODD, key]))] = holder.pop(key)
    else:
        value = holder[key]
        for _ in range(random.choice((1, 1, 3, 100))):
            value = [value]
        holder[key] = value
