"""Reads the XML of MEDLINE, record by record within limits: answers of efetch, baseline and update files."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import IO, Any, NamedTuple, TypeVar, cast

from lxml import etree

from roco.base.errors import RejectedInput
from roco.base.ids import clean_pmcid, clean_pmid
from roco.base.text import fold

ROOT = "PubmedArticleSet"
MAX_RECORD = 32 << 20
"""Bytes of XML without a complete record: more are rejected. Records with thousands of authors have some megabytes."""
MAX_TEXT = 1000  # characters of a name
MAX_TERMS = 1000  # publication types, or headings, or qualifiers of one heading
_CHUNK = 1 << 16

_ARTICLE, _BOOK, _DELETED = "PubmedArticle", "PubmedBookArticle", "DeleteCitation"
_PLACES = {_ARTICLE: ("MedlineCitation", "MedlineCitation/Article/PublicationTypeList/PublicationType"),
           _BOOK: ("BookDocument", "BookDocument/PublicationType")}  # fmt: skip
"""Kind of a record -> the element with its PMID, and the path of its publication types."""
_UI = re.compile(r"[A-Z][A-Z0-9]{0,15}")


class Term(NamedTuple):
    """A publication type: unique identifier, None if the XML has an odd one, and name."""

    ui: str | None
    name: str


class Topic(NamedTuple):
    """A descriptor or a qualifier of MeSH."""

    ui: str | None
    name: str
    major: bool


class Heading(NamedTuple):
    """A descriptor of MeSH with its qualifiers."""

    ui: str | None
    name: str
    major: bool
    qualifiers: tuple[Topic, ...]


Value = TypeVar("Value", Term, Topic, Heading)


def shared(value: Value) -> Value:
    """Returns an equal value that was seen before: headings recur, and each is in memory once."""
    return cast(Value, _seen(value))


@lru_cache(1 << 17)
def _seen(value: object) -> object:
    return value


class Record(NamedTuple):
    """One record. version: of the PMID. pmcid: that the record names, None without one.

    types: publication types. mesh: headings with their qualifiers. status: of the indexing, such as `MEDLINE`.
    """

    pmid: str
    version: int
    pmcid: str | None
    status: str | None
    types: tuple[Term, ...]
    mesh: tuple[Heading, ...]

    def content(self) -> dict[str, Any]:
        """Returns the columns of the sidecar that a record fills."""
        mesh = [{**one._asdict(), "qualifiers": [topic._asdict() for topic in one.qualifiers]} for one in self.mesh]
        types = [one._asdict() for one in self.types]
        return {"publication_types": types, "mesh": mesh, "medline_status": self.status}

    @classmethod
    def of_json(cls, values: Sequence[Any]) -> Record:
        """Returns a record that was written as JSON: the values of its fields in their order.

        Raises ValueError or TypeError for other values.
        """
        pmid, version, pmcid, status, types, mesh = values
        if clean_pmid(pmid) != pmid or type(version) is not int:
            raise ValueError("not a PMID and its version")
        headings = []
        for ui, name, major, qualifiers in mesh:
            headings.append(shared(Heading(ui, name, major, tuple(shared(Topic(*one)) for one in qualifiers))))
        return cls(pmid, version, pmcid, status, tuple(shared(Term(*one)) for one in types), tuple(headings))


class Deletion(NamedTuple):
    """A record that an update file deletes."""

    pmid: str
    version: int


class MedlineReader:
    """Reads XML that arrives in pieces; raises RejectedInput for anything but a complete, plain set of records.

    Entities are neither declared nor resolved, and no DTD is loaded. At most one record is in memory. wanted: whether a
    record with this PMID and PMCID is yielded.
    """

    def __init__(self, wanted: Callable[[str, str | None], bool] = lambda pmid, pmcid: True) -> None:
        self._wanted = wanted
        self._parser = etree.XMLPullParser(
            events=("start", "end"),
            tag=(ROOT, _ARTICLE, _BOOK, _DELETED),
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            dtd_validation=False,
            huge_tree=False,
            recover=False,
            remove_comments=True,
            remove_pis=True,
        )
        self._root: Any = None
        self._since_record = 0

    def feed(self, piece: bytes) -> Iterator[Record | Deletion]:
        """Yields the records that a piece completes."""
        self._since_record += len(piece)
        if self._since_record > MAX_RECORD:
            raise RejectedInput(f"a record of more than {MAX_RECORD >> 20} MB of XML")
        try:
            self._parser.feed(piece)
            yield from self._finished()
        except etree.XMLSyntaxError as err:
            raise RejectedInput(f"invalid XML: {_message(err)}") from err

    def close(self) -> Iterator[Record | Deletion]:
        """Yields the last records; raises RejectedInput if the XML is incomplete."""
        try:
            self._parser.close()
            yield from self._finished()
        except etree.XMLSyntaxError as err:
            raise RejectedInput(f"invalid XML: {_message(err)}") from err
        if self._root is None:
            raise RejectedInput("not records of MEDLINE")

    def _finished(self) -> Iterator[Record | Deletion]:
        event: str
        element: Any
        for event, element in self._parser.read_events():
            if self._root is None:
                self._check_root(element)
            if event == "start" or element.getparent() is not self._root:
                continue
            if element.tag == _DELETED:
                yield from _deletions(element)
            elif element.tag in _PLACES:
                pmid, version = _id(element.find(f"{_PLACES[element.tag][0]}/PMID"))
                pmcid = _pmcid(element)
                if self._wanted(pmid, pmcid):
                    yield _record(element, pmid, version, pmcid)
            self._since_record = 0
            element.clear()
            while element.getprevious() is not None:
                del self._root[0]

    def _check_root(self, element: Any) -> None:
        top = element.getroottree().getroot()
        if top.tag != ROOT:
            raise RejectedInput(f"not records of MEDLINE: the root is {fold(str(top.tag))[:40]!r}")
        declared = element.getroottree().docinfo.internalDTD
        if declared is not None and any(True for _ in declared.iterentities()):
            raise RejectedInput("the XML declares entities, which MEDLINE does not")
        self._root = top


def read_records(
    stream: IO[bytes], wanted: Callable[[str, str | None], bool] = lambda pmid, pmcid: True
) -> Iterator[Record | Deletion]:
    """Yields the wanted records of a stream of XML, and all deletions; raises RejectedInput."""
    reader = MedlineReader(wanted)
    while piece := stream.read(_CHUNK):
        yield from reader.feed(piece)
    yield from reader.close()


def read_answer(xml: bytes) -> list[Record]:
    """Returns the records of an answer of efetch; raises RejectedInput, so that nothing of a bad answer is used."""
    reader = MedlineReader()
    found: list[Record | Deletion] = []
    for start in range(0, len(xml), _CHUNK):
        found += reader.feed(xml[start : start + _CHUNK])
    found += reader.close()
    return [one for one in found if isinstance(one, Record)]


# --- one record ----------------------------------------------------------------------------------------------


def _record(element: Any, pmid: str, version: int, pmcid: str | None) -> Record:
    place, path = _PLACES[element.tag]
    types = [_term(one) for one in element.iterfind(path)]
    headings = [_heading(one) for one in element.iterfind(f"{place}/MeshHeadingList/MeshHeading")]
    if max(len(types), len(headings)) > MAX_TERMS:
        raise RejectedInput(f"PMID {pmid}: more than {MAX_TERMS:,} types or headings")
    status = fold(element.find(place).get("Status", ""))[:40] or None
    return Record(pmid, version, pmcid, status, tuple(types), tuple(headings))


def _id(element: Any) -> tuple[str, int]:
    """Returns PMID and version; raises RejectedInput for an element that is no PMID, or missing."""
    pmid = None if element is None else clean_pmid(_text(element))
    if pmid is None:
        raise RejectedInput("a record without a PMID")
    version = element.get("Version", "1")
    return pmid, int(version) if version.isascii() and version.isdecimal() and len(version) < 5 else 1


def _deletions(element: Any) -> Iterator[Deletion]:
    for one in element.iterfind("PMID"):
        yield Deletion(*_id(one))


def _pmcid(element: Any) -> str | None:
    """Returns the PMCID of the article itself; references have lists of ids, too, further down."""
    for one in element.iterfind("PubmedData/ArticleIdList/ArticleId"):
        if one.get("IdType") == "pmc":
            pmcid, _ = clean_pmcid(_text(one))
            if pmcid is not None:
                return pmcid
    return None


def _heading(element: Any) -> Heading:
    descriptor = element.find("DescriptorName")
    if descriptor is None:
        raise RejectedInput("a MeSH heading without a descriptor")
    qualifiers = tuple(_topic(one) for one in element.iterfind("QualifierName"))
    if len(qualifiers) > MAX_TERMS:
        raise RejectedInput(f"a MeSH heading with more than {MAX_TERMS:,} qualifiers")
    return shared(Heading(*_topic(descriptor), qualifiers))


def _topic(element: Any) -> Topic:
    return shared(Topic(*_term(element), element.get("MajorTopicYN") == "Y"))


def _term(element: Any) -> Term:
    ui = element.get("UI", "").strip()
    return shared(Term(ui if _UI.fullmatch(ui) else None, _text(element)))


def _text(element: Any) -> str:
    """Returns the text of an element; raises RejectedInput for an entity, whose text is unknown, and a long text."""
    if any(not isinstance(one.tag, str) for one in element.iter()):
        raise RejectedInput("an entity in place of text")
    text = fold("".join(element.itertext()))
    if not text or len(text) > MAX_TEXT:
        raise RejectedInput(f"{element.tag}: a text that is empty, or longer than {MAX_TEXT:,} characters")
    return text


def _message(err: etree.XMLSyntaxError) -> str:
    return fold(str(err).split(" (<string>")[0])[:160] or "the document is empty"
