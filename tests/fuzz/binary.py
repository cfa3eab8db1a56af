"""Changes of binary inputs that keep their structure: gzip, tar, zip, PNG and Parquet."""

from __future__ import annotations

import gzip
import io
import struct
import warnings
import zipfile
import zlib
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq

from tests.fuzz.mutations import ODD
from tests.fuzz.target import Mutate


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
        b"/x.jpg", b"a/f1.jpg", random.choice(b"01234567xgLKSVM\0").to_bytes(1, "big"), b"00000001000\0",
        b"77777777777\0", b"0" * length,
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
        changed = bytearray(content or b"\0")
        changed[random.randrange(len(changed))] = random.choice((0, 1, 255, random.randrange(256)))
        chunks[i] = (kind, bytes(changed))
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
