"""The limits that an archive from outside may not exceed; docs/security.md gives the reason for each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits for one archive; sizes in bytes."""

    compressed: int = 2 << 30  # the file itself
    total: int = 10 << 30  # all members together, inflated
    ratio: int = 200  # inflated to compressed size
    ratio_from: int = 10 << 20  # the ratio does not count below: small archives of blank pages may exceed it
    members: int = 20_000  # headers of every kind
    member: int = 200 << 20
    xml: int = 64 << 20
    name: int = 512
    header: int = 1 << 20  # all headers before one member: long names, extended headers
    directory: int = 8 << 20  # the central directory of a zip
    seconds: float = 300.0


STANDARD = Limits()
