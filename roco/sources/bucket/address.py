"""The address of a bucket in a recipe: `s3://NAME`, or `https://HOST/NAME`."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from roco.base.errors import RecipeError

_IS_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)  # also of a kind that is then refused: ftp://
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_EXAMPLE = 'write path = "s3://pmc-oa-opendata"'


def is_address(path: Any) -> bool:
    """Returns whether a path in a recipe is the address of a bucket, rather than a folder."""
    return isinstance(path, str) and _IS_ADDRESS.match(path) is not None


def endpoint_of(path: str, endpoint: str = "") -> str:
    """Returns the address to which keys are appended, without a slash at its end.

    path: `s3://NAME`, which is read from Amazon's servers unless an endpoint is named; or the endpoint itself.
    Raises RecipeError for an invalid address, and for one with a password: requests are never signed.
    """
    if path.lower().startswith("s3://"):
        name = path[len("s3://") :].rstrip("/")
        if not _NAME.fullmatch(name):
            hint = "a folder in a bucket cannot be read" if "/" in name else _EXAMPLE
            raise RecipeError(f"invalid name of a bucket: {path!r} ([source] path)", hint)
        return _checked(endpoint, "endpoint") if endpoint else f"https://{name}.s3.amazonaws.com"
    if endpoint and endpoint.rstrip("/") != path.rstrip("/"):
        raise RecipeError("[source] has an address in path and another in endpoint", f"{_EXAMPLE} beside endpoint")
    return _checked(path, "path")


def _checked(address: str, option: str) -> str:
    where = f"([source] {option})"
    try:
        parts = urlsplit(address)
        host, has_user = parts.hostname, "@" in parts.netloc
        _ = parts.port  # raises for an invalid one
    except ValueError as err:
        raise RecipeError(f"invalid address {where}: {err}", 'write it as "https://host/bucket"') from err
    if has_user:
        raise RecipeError(f"the address contains a user name {where}", "remove it: requests are never signed")
    is_plain = parts.scheme in ("http", "https") and host and not parts.query and not parts.fragment
    if not is_plain or not address.isprintable() or " " in address:
        raise RecipeError(f"invalid address {address[:80]!r} {where}", 'write it as "https://host/bucket"')
    return address.rstrip("/")
