"""Walks through a tar once, as it is inflated; raises RejectedInput for everything that is not exactly valid.

Python's tarfile takes a corrupt header or a missing end for the end of the archive, and returns a shorter one without
an error. Here every header is checked by its checksum, and the archive must end as the format requires.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from roco.base.errors import RejectedInput
from roco.base.terminal import quoted
from roco.sources.archives.inflate import Inflated
from roco.sources.archives.limits import Limits

BLOCK = 512

# Type flags of headers.
_LONG_NAME, _LONG_LINK, _PAX_GLOBAL = b"LKg"
_EXTENSIONS = b"LKxXg"  # x and X: pax, for the next member only
_FILE = b"0\x007"  # 7 asks for contiguous space and is otherwise an ordinary file
_NO_DATA = b"123456"  # hard link, symlink, devices, folder, FIFO
_SPARSE = ord("S")


class _Header(NamedTuple):
    name: str
    size: int
    kind: int


class _Extensions(NamedTuple):
    """The values that extension headers set for the next member; None for those they do not set.

    header_bytes: bytes of these headers, bounded by `Limits.header`.
    """

    name: str | None = None
    size: int | None = None
    header_bytes: int = 0


def members(stream: Inflated, limits: Limits) -> Iterator[tuple[str, int]]:
    """Yields name and size of each regular file; the caller must take or skip its bytes before the next step.

    Links, devices and folders are skipped. Names are data and may contain anything but NUL.
    """
    extensions = _Extensions()
    count = 0
    while any(block := stream.take(BLOCK)):  # a block of zeros is the end
        count += 1
        if count > limits.members:
            raise RejectedInput(f"more than {limits.members} members")
        header = _header(block)
        if header.kind in _EXTENSIONS:
            extensions = _extended(extensions, header, stream, limits)
            continue

        name = header.name if extensions.name is None else extensions.name
        size = header.size if extensions.size is None else extensions.size
        extensions = _Extensions()
        if size > limits.member:
            raise RejectedInput(f"{quoted(name)} is too large: {size} bytes")
        if _is_file(header.kind, name, size):
            _check_name(name, limits)
            yield name, size
        else:
            stream.skip(size)
        stream.skip(-size % BLOCK)
    if extensions.header_bytes:
        raise RejectedInput("the archive is truncated")  # a header that announces a member is the last one
    stream.require_zeros()


def _extended(extensions: _Extensions, header: _Header, stream: Inflated, limits: Limits) -> _Extensions:
    """Reads one extension header; returns the extensions together with those before it."""
    header_bytes = extensions.header_bytes + header.size + BLOCK
    if header_bytes > limits.header:
        raise RejectedInput(f"more than {limits.header} bytes of headers before one member")
    data = stream.take(header.size)
    stream.skip(-header.size % BLOCK)
    name, size = extensions.name, extensions.size
    if header.kind == _LONG_NAME:
        name = _same_name(name, _text(data.split(b"\0", 1)[0]))
    elif header.kind != _LONG_LINK:
        records = _pax_records(data)
        if header.kind == _PAX_GLOBAL and ("path" in records or "size" in records):
            raise RejectedInput("a global header names a file")
        if any(key.startswith("GNU.sparse") for key in records):
            raise RejectedInput("contains a sparse file")
        if "path" in records:
            name = _same_name(name, _text(records["path"]))
        if "size" in records:
            size = _number(records["size"], 10)
    return _Extensions(name, size, header_bytes)


def _header(block: bytes) -> _Header:
    if _number(block[148:156], 8) not in _checksums(block):
        raise RejectedInput("a header's checksum does not match")
    name = block[:100].split(b"\0", 1)[0]
    prefix = block[345:500].split(b"\0", 1)[0]
    # In old GNU headers this field has another meaning than the folder.
    is_ustar = block[257:263] == b"ustar\0"
    if prefix and is_ustar:
        name = prefix + b"/" + name
    return _Header(_text(name), _number(block[124:136], 8), block[156])


def _checksums(block: bytes) -> tuple[int, int]:
    """Returns the valid checksums of a header: the sum of its bytes, and the sum that some old writers computed.

    Both count the checksum field itself as spaces; the old writers took bytes above 127 as negative numbers.
    """
    rest = block[:148] + block[156:]
    unsigned = sum(rest) + 8 * ord(" ")
    if rest.isascii():
        return unsigned, unsigned
    return unsigned, unsigned - 256 * sum(byte > 127 for byte in rest)


def _number(field: bytes, base: int) -> int:
    """Reads a number field: digits, or for base 8 also GNU's binary form, marked by the highest bit."""
    if base == 8 and field[0] & 0x80:
        if field[0] & 0x40:
            raise RejectedInput("a header has a negative size")
        return int.from_bytes(bytes([field[0] & 0x7F]) + field[1:], "big")
    digits = field.split(b"\0", 1)[0].strip(b" ")
    not_digits = digits.strip(b"01234567" if base == 8 else b"0123456789")
    if len(digits) > 20 or not_digits:
        raise RejectedInput("a header's number is malformed")
    return int(digits or b"0", base)


def _pax_records(data: bytes) -> dict[str, bytes]:
    r"""Returns key and value of each record `LENGTH KEY=VALUE\n`; LENGTH counts the whole record."""
    records: dict[str, bytes] = {}
    start = 0
    while start < len(data):
        space = data.find(b" ", start, start + 12)
        end = start + _number(data[start:space], 10) if space > start else 0
        key, equals, value = data[space + 1 : end - 1].partition(b"=")
        if end <= space + 1 or end > len(data) or data[end - 1 : end] != b"\n" or not equals:
            raise RejectedInput("an extended header is malformed")
        records[_text(key)] = value
        start = end
    return records


def _same_name(known: str | None, name: str) -> str:
    """Returns the name; raises RejectedInput if another header gave another one: readers differ in which counts."""
    if known is not None and known != name:
        raise RejectedInput(f"a member has two names: {quoted(known)} and {quoted(name)}")
    return name


def _is_file(kind: int, name: str, size: int) -> bool:
    if kind == _SPARSE:
        raise RejectedInput("contains a sparse file")
    is_folder = kind in _FILE and name.endswith("/")
    if kind in _NO_DATA or is_folder:
        # Readers differ in whether such a member has data, so the next header could be read in two ways.
        if size:
            raise RejectedInput(f"{quoted(name)} is not a file but has data")
        return False
    return kind in _FILE


def _check_name(name: str, limits: Limits) -> None:
    if not name or "\0" in name:
        raise RejectedInput("a member's name is empty or contains a NUL")
    if len(name.encode()) > limits.name:
        raise RejectedInput(f"a name is longer than {limits.name} bytes: {quoted(name)}")


def _text(raw: bytes) -> str:
    # Tables contain only valid Unicode, and archives of old Windows tools have names in other encodings.
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")
