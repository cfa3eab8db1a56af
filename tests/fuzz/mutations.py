"""Changes of inputs that keep their structure: text, XML, JSON, gzip, tar, zip, PNG and Parquet."""

from __future__ import annotations

import copy
import gzip
import io
import json
import struct
import zipfile
import zlib
from collections.abc import Sequence
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from lxml import etree

from tests.fuzz.target import Mutate

NUMBERS = (
    "0",
    "-1",
    "1",
    "2147483648",
    "-9223372036854775809",
    "9" * 30,
    "9" * 5000,
    "1e999",
    "NaN",
    "0x10",
    "²",
    "٣",
    "1_0",
)
ODD = ("", " ", "\0", "\r", "\n", "\t", '"', "'", "\\", "\u202e", "\u2028", "\ufeff", "\ud800", "é", "e\u0301", "𝔸",
       "ß", "İ",
       "<b>", "&amp;", "%00", "../", "/etc/passwd", "C:\\", "file:///x", "https://a.b/c", "=1+1", "{}", "[]", "null",
       "true",
       "A" * 300, "x" * 5000)  # fmt: skip
DEPTH = 2000


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
        None,
        True,
        False,
        0,
        -1,
        2**31,
        2**63,
        10**400,
        1.5,
        1e308,
        float("nan"),
        float("inf"),
        [],
        {},
        [[]],
        {"": {}},
    ]
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


def gzipped(inner: Mutate) -> Mutate:
    """Returns a change of what a gzip contains."""
    return lambda data, random: gzip.compress(inner(gzip.decompress(data), random), 1, mtime=0)


def tar_headers(data: bytes, random: Random) -> bytes:
    """Changes fields of the headers of a tar and gives them a valid checksum; repeats, moves and removes members."""
    blocks = [data[i : i + 512] for i in range(0, len(data), 512)]
    for _ in range(random.choice((1, 1, 2, 4))):
        heads = [i for i, block in enumerate(blocks) if block[257:262] == b"ustar"] or [0]
        at = random.choice(heads)
        how = random.randrange(6)
        if how == 0:
            blocks.insert(random.randrange(len(blocks) + 1), bytes(512))
        elif how == 1:
            blocks.insert(random.choice(heads), blocks[at])
        elif how == 2:
            del blocks[at]
        else:
            blocks[at] = _with_checksum(_edited_header(blocks[at].ljust(512, b"\0"), random))
    return b"".join(blocks)


def _edited_header(block: bytes, random: Random) -> bytes:
    # name, mode, uid, gid, size, mtime, type, link, magic, prefix: where each starts, and its length
    start, length = random.choice(
        ((0, 100), (100, 8), (108, 8), (124, 12), (136, 12), (156, 1), (157, 100), (257, 8), (345, 155))
    )
    value = random.choice((
        random.randbytes(length), b"\0", b"9" * length, b"\x80" + b"\xff" * (length - 1), b"-1", b"../../x.jpg",
            b"/x.jpg",
        b"a/f1.jpg", random.choice(b"01234567xgLKSVM\0").to_bytes(1, "big"), b"00000001000\0", b"77777777777\0",
        b"0" * length,
    ))  # fmt: skip
    value = value[:length].ljust(length, b"\0")
    return block[:start] + value + block[start + length :]


def _with_checksum(block: bytes) -> bytes:
    blank = block[:148] + b" " * 8 + block[156:]
    return block[:148] + b"%06o\0 " % sum(blank) + block[156:]


def zip_members(data: bytes, random: Random) -> bytes:
    """Writes a zip again with other names, contents and methods, or changes its directory."""
    if random.random() < 0.4:
        at = random.choice(
            [i for i in range(len(data) - 4) if data[i : i + 3] == b"PK\1" or data[i : i + 3] == b"PK\5"]
        )
        at += random.randrange(4, 46)
        return (
            data[:at]
            + random.choice((b"\0", b"\xff", b"\xff\xff\xff\xff", b"\0\0\0\0", random.randbytes(2)))
            + data[at + 2 :]
        )
    with zipfile.ZipFile(io.BytesIO(data)) as fh:
        members = [(info.filename, fh.read(info)) for info in fh.infolist()]
    at = random.randrange(len(members))
    name, content = members[at]
    how = random.randrange(4)
    if how == 0:
        name = random.choice(
            ("../x.jpg", "/x.jpg", name.upper(), name + "/", "a\\b.jpg", "\u202e.jpg", "é.jpg", "x.nxml", "a/" * 99)
        )
    elif how == 1:
        members.append((name, content))
    elif how == 2:
        content = content[: random.randrange(len(content) + 1)] + random.randbytes(3)
    members[at] = (name, content)
    out = io.BytesIO()
    import warnings

    with warnings.catch_warnings(), zipfile.ZipFile(out, "w") as fh:
        warnings.simplefilter("ignore")
        for name, content in members:
            fh.writestr(name, content, random.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2)))
    return out.getvalue()


def png_chunks(data: bytes, random: Random) -> bytes:
    """Changes, repeats, moves or removes chunks of a PNG, with valid checksums."""
    chunks = []
    at = 8
    while at + 12 <= len(data):
        (size,) = struct.unpack(">I", data[at : at + 4])
        chunks.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + size]))
        at += 12 + size
    i = random.randrange(len(chunks))
    kind, content = chunks[i]
    how = random.randrange(5)
    if how == 0:
        chunks.insert(random.randrange(len(chunks) + 1), chunks[i])
    elif how == 1:
        del chunks[i]
    elif how == 2:
        chunks[i] = (
            random.choice((b"tEXt", b"zTXt", b"iTXt", b"iCCP", b"eXIf", b"tRNS", b"PLTE", b"acTL", b"fcTL", b"fdAT")),
            content,
        )
    elif kind == b"IDAT" and how == 3:
        raw = bytearray(zlib.decompress(content))
        raw[random.randrange(len(raw))] = random.randrange(256)
        chunks[i] = (kind, zlib.compress(bytes(raw[: random.randrange(len(raw)) or None])))
    else:
        spoilt = bytearray(content or b"\0")
        spoilt[random.randrange(len(spoilt))] = random.choice((0, 1, 255, random.randrange(256)))
        chunks[i] = (kind, bytes(spoilt))
    parts = [struct.pack(">I", len(c)) + k + c + struct.pack(">I", zlib.crc32(k + c)) for k, c in chunks]
    return data[:8] + b"".join(parts)


def parquet_table(data: bytes, random: Random) -> bytes:
    """Changes cells, columns, their types and order of a Parquet file."""
    table = pq.read_table(io.BytesIO(data))
    i = random.randrange(table.num_columns)
    name, column = table.column_names[i], table.column(i).combine_chunks()
    how = random.randrange(6)
    if how == 0:
        table = table.drop_columns([name])
    elif how == 1:
        table = table.append_column(random.choice(table.column_names), column)
    elif how == 2:
        table = table.set_column(i, name, pa.nulls(len(table), random.choice((column.type, pa.string(), pa.int64()))))
    elif how == 3:
        kind = random.choice((pa.string(), pa.binary(), pa.int64(), pa.float64(), pa.large_string()))
        table = table.set_column(i, name, column.cast(kind))
    elif how == 4 and len(table):
        rows = [random.randrange(len(table)) for _ in range(random.choice((0, 1, len(table), len(table) + 1)))]
        table = table.take(rows)
    else:
        values = column.to_pylist()
        at = random.randrange(len(values))
        values[at] = random.choice((None, *ODD)) if pa.types.is_string(column.type) else random.choice((None, *values))
        table = table.set_column(i, name, pa.array(values, column.type))
    out = io.BytesIO()
    pq.write_table(table, out, compression=random.choice(("none", "zstd", "snappy")))
    return out.getvalue()
