"""Gives the figures of a package their image files.

A package can contain several articles: in one XML, in several beside each other, or each in a folder. Each article has
its own images.
"""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Container, Sequence
from dataclasses import dataclass

from roco.sources.assignment import Assigned, Claim, assign
from roco.sources.jats.article import Article
from roco.sources.jats.figures import Figure
from roco.sources.matching import Images, folder_of, parents


@dataclass(frozen=True, slots=True)
class Document:
    """One article of a package; key: its article_key; figures: those of the article, kept and dropped."""

    article: Article
    key: str
    xml_name: str
    figures: Sequence[Figure]


def assign_images(documents: Sequence[Document], images: Images) -> list[list[Assigned]]:
    """Returns the files of each figure of each article."""
    folders = [_folder(document, documents, images) for document in documents]
    owners = _Owners(documents, folders)
    claims = []
    for document, folder in zip(documents, folders, strict=True):
        unavailable = owners.files_of_others(document)
        for figure in document.figures:
            claims.append(Claim(figure.hrefs, folder, document.key, figure.drop is None, unavailable))
    assigned = iter(assign(claims, images))
    return [[next(assigned) for _ in document.figures] for document in documents]


def _folder(document: Document, documents: Sequence[Document], images: Images) -> str:
    """Returns the folder of an article's images: of several articles one with its id as name, else that of its XML."""
    if len(documents) > 1:
        for name in _folder_names(document.article):
            folder = images.folder_named(name)
            if folder:
                return folder
    return posixpath.dirname(document.xml_name)


def _folder_names(article: Article) -> list[str]:
    """Returns the names that a folder with the images of an article may have."""
    names = []
    if article.pmcid:
        names += [f"{article.pmcid}.{article.version}", article.pmcid, article.pmcid.removeprefix("PMC")]
    if article.pmid:
        names.append(article.pmid)
    if article.doi:
        names += [article.doi.replace("/", separator) for separator in "_-."]
        names.append(article.doi.rpartition("/")[2])
    return names


class _Owners:
    """Which articles the folders of a package belong to."""

    def __init__(self, documents: Sequence[Document], folders: Sequence[str]) -> None:
        self._keys: defaultdict[str, set[str]] = defaultdict(set)
        for document, folder in zip(documents, folders, strict=True):
            self._keys[folder].add(document.key)
        self._is_one_article = len({document.key for document in documents}) == 1
        self._innermost: dict[str, str] = {}

    def files_of_others(self, document: Document) -> Container[str]:
        """Returns the files in folders of other articles; those at the top of the package are available to all."""
        return frozenset() if self._is_one_article else _FilesOfOthers(self, document.key)

    def others_have(self, key: str, file: str) -> bool:
        folder = self._owned_folder(folder_of(file))
        return bool(folder) and key not in self._keys[folder]

    def _owned_folder(self, folder: str) -> str:
        """Returns the innermost of the articles' folders that contains a folder; empty if there is none."""
        if folder not in self._innermost:
            containing = (parent for parent in parents(folder) if parent in self._keys)
            self._innermost[folder] = next(containing, "")
        return self._innermost[folder]


@dataclass(frozen=True, slots=True)
class _FilesOfOthers:
    owners: _Owners
    key: str

    def __contains__(self, file: object) -> bool:
        return self.owners.others_have(self.key, str(file))
