"""Makes text from outside safe to print: control, bidirectional and other invisible characters are escaped."""

from __future__ import annotations

LONGEST_EXCERPT = 120  # characters

_SHORT_ESCAPES = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}


def printable(text: object, keep: str = "") -> str:
    r"""Returns the text with its unprintable characters escaped: `\x1b` for the escape character of terminals.

    keep: characters that are left as they are, such as the newline.
    """
    written = str(text)
    if written.isprintable():
        return written
    return "".join(c if c.isprintable() or c in keep else _escape(c) for c in written)


def excerpt(text: object, longest: int = LONGEST_EXCERPT) -> str:
    """Returns the beginning of a text, at most `longest` characters, safe to print: for values quoted in messages."""
    written = str(text)
    if len(written) > longest:
        written = written[: longest - 1] + "…"
    return printable(written)


def quoted(name: object) -> str:
    """Returns the beginning of a name in single quotes, safe to print."""
    return f"'{excerpt(name)}'"


def printable_json(text: str) -> str:
    r"""Returns a JSON text with its unprintable characters as the escapes of JSON, `\u001b`; newlines are kept."""
    return "".join(c if c.isprintable() or c == "\n" else _escape_in_json(c) for c in text)


def _escape(character: str) -> str:
    if character in _SHORT_ESCAPES:
        return _SHORT_ESCAPES[character]
    code = ord(character)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _escape_in_json(character: str) -> str:
    # JSON writes a character beyond U+FFFF as the two UTF-16 surrogates that encode it.
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))
