"""Lists the objects of a bucket whose keys have a common prefix."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from roco.base.errors import DataError, RejectedInput
from roco.base.text import whole_number
from roco.sources.fetch.client import BucketClient
from roco.sources.fetch.errors import ObjectUnavailable
from roco.sources.jats.tree import read_xml

MAX_PAGE_BYTES = 64 << 20


class ListedObject(NamedTuple):
    """One object of a listing; a folder has no ETag and size 0."""

    key: str
    etag: str
    size: int
    modified: str


def list_objects(client: BucketClient, prefix: str, delimiter: str = "") -> Iterator[ListedObject]:
    """Yields all objects whose keys start with a prefix, over all pages of the listing.

    delimiter: `/` lists one level, objects and folders.
    """
    token = ""
    while True:
        query = {"list-type": "2", "prefix": prefix}
        if delimiter:
            query["delimiter"] = delimiter
        if token:
            query["continuation-token"] = token
        try:
            page = client.get("", limit=MAX_PAGE_BYTES, query=query, validate=_parse_listing).data
        except ObjectUnavailable as err:
            raise DataError(f"no bucket at {client.endpoint} (status {err.status})", "check --endpoint") from err
        root = _parse_listing(page)
        for element in root.iter("{*}Contents"):
            yield _listed_object(element)
        for element in root.iter("{*}CommonPrefixes"):
            for child in element:
                if _local_name(child.tag) == "Prefix":
                    yield ListedObject(child.text or "", "", 0, "")
        token = next((element.text or "" for element in root.iter("{*}NextContinuationToken")), "")
        if not token:
            return


def _listed_object(element: Any) -> ListedObject:
    values = {_local_name(child.tag): child.text or "" for child in element}
    return ListedObject(
        key=values.get("Key", ""),
        etag=values.get("ETag", "").strip('"'),
        size=whole_number(values.get("Size", "")) or 0,
        modified=values.get("LastModified", ""),
    )


def _parse_listing(data: bytes) -> Any:
    """Returns the root of a listing; raises RejectedInput for any other document."""
    root = read_xml(data)[0]
    name = _local_name(root.tag)
    if name != "ListBucketResult":
        raise RejectedInput(f"expected a listing of objects, received <{name[:40]}>")
    return root


def _local_name(tag: Any) -> str:
    return str(tag).rpartition("}")[2]
