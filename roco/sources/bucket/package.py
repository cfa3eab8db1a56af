"""One version of an article in a bucket: its XML and metadata, and the images of its own figures."""

from __future__ import annotations

import json
from functools import cached_property

from roco.base.errors import RejectedInput
from roco.base.json_text import parse_json
from roco.base.terminal import quoted
from roco.sources.bucket.reader import Reader
from roco.sources.cloud_metadata import absent_media
from roco.sources.fetch.figure_files import figure_files, parse_article

ASSUMED_SIZE = 1 << 20
"""Bytes of an image, for the estimate of the memory that a part needs: metadata contain no sizes."""


class BucketPackage:
    """Has the files that `roco fetch run` would download; the XML is requested when it is needed, images when read."""

    def __init__(self, reader: Reader, key: str) -> None:
        self._reader, self._key = reader, key
        self._xml_name = f"{key}.xml"
        self._json_name = f"{key}.json"

    @property
    def xmls(self) -> list[str]:
        return [self._xml_name]

    @property
    def files(self) -> list[tuple[str, int]]:
        """Returns name and size of the files; the size of an image is an estimate."""
        own = [(self._xml_name, len(self._xml)), (self._json_name, len(self._reader.describe(self._key).body))]
        return sorted(own + [(name, ASSUMED_SIZE) for name in self._images])

    def read(self, name: str) -> bytes:
        """Returns the bytes of one file; raises RejectedInput, or SourceUnavailable if it cannot be downloaded now."""
        if name == self._xml_name:
            return self._xml
        described = self._reader.describe(self._key)
        if name == self._json_name:
            return described.body
        if name not in described.media:
            raise RejectedInput(f"no {quoted(name)} among the article's media")
        return self._reader.get(self._key, name)

    def add_facts(self, facts: str) -> str:
        """Returns the facts of the listing with `absent`, as `CloudSource` has them for a downloaded folder."""
        values = parse_json(facts)
        present = {self._xml_name, self._json_name, *self._images}
        absent = absent_media(self._reader.describe(self._key).media, present)
        if absent:
            values["absent"] = absent
        return json.dumps(values, sort_keys=True, ensure_ascii=False)

    def close(self) -> None: ...

    @cached_property
    def _xml(self) -> bytes:
        return self._reader.get(self._key, self._xml_name)

    @cached_property
    def _images(self) -> list[str]:
        """The files of the article's own figures; none if its XML cannot be read, which the stage `extract` reports."""
        article = parse_article(self._xml, self._key.partition(".")[0])
        return [] if article is None else figure_files(article, self._reader.describe(self._key).media)
