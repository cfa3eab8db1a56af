"""Gives the figures of a package their image files.

A package can contain several articles: in one XML, in several beside each other, or each in a folder. Each article has
its own images.
"""

from __future__ import annotations

import posixpath
from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from roco.sources.assignment import Assigned, Claim, assign
from roco.sources.jats.article import Article
from roco.sources.jats.figures import Figure
from roco.sources.matching import Images, folder_of


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
    owners: defaultdict[str, set[str]] = defaultdict(set)
    for document, folder in zip(documents, folders, strict=True):
        owners[folder].add(document.key)
    claims = []
    for document, folder in zip(documents, folders, strict=True):
        unavailable = _FilesOfOthers(document.key, owners)
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


@dataclass(frozen=True, slots=True)
class _FilesOfOthers:
    """Contains the files in the folders of other articles; those at the top of the package are available to all.

    owners: keys of the articles by folder.
    """

    key: str
    owners: Mapping[str, Set[str]]

    def __contains__(self, file: object) -> bool:
        folder = folder_of(str(file))
        while folder and folder not in self.owners:
            folder = posixpath.dirname(folder)
        return bool(folder) and self.key not in self.owners[folder]
