"""Gives each figure of a package its image file, so that no file serves two figures that name it differently.

`stages/extract_images.py` and `fetch/figure_files.py` call `assign`. A name can match a file well or badly
(`matching.Strength`): in a package of `a.jpg` alone, `a.jpg` is meant by a figure that names `a.jpg`, and is not the
image of another figure that names `a.gif`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field

from roco.sources.jats.renditions import stem_of
from roco.sources.matching import Images, Match, image_name


@dataclass(frozen=True, slots=True)
class Claim:
    """The names by which one figure means its image, best first.

    folder: of the XML; article: key of the article; is_kept: False for figures that are dropped, such as those of a
    translation, which take no file from a kept one; unavailable: files that belong to other articles.
    """

    hrefs: Sequence[str]
    folder: str = ""
    article: str = ""
    is_kept: bool = True
    unavailable: Container[str] = ()


@dataclass(slots=True)
class Assigned:
    """files: the image of a figure, then further renditions of it; contested: a file that other figures mean too."""

    files: list[str] = field(default_factory=list)
    contested: str | None = None


def assign(claims: Sequence[Claim], images: Images) -> list[Assigned]:
    """Returns the files of each claim.

    If several claims mean one file, those that name it best get it. It is nobody's if these name it differently, such
    as `a.tif` and `a.eps` for `a.jpg`: a wrong image is worse than a missing one. Claims of one article with the same
    name share the file, since the article shows it twice.
    """
    taken = [_Taken(claim.unavailable) for claim in claims]
    contested: list[str | None] = [None] * len(claims)
    matches = [_matches(claim, images, taken[i]) for i, claim in enumerate(claims)]
    losers = _losers(claims, matches)
    while losers:
        for i in losers:
            file = matches[i][0].file
            taken[i].lost.add(file)
            contested[i] = file
            matches[i] = _matches(claims[i], images, taken[i])
        losers = _losers(claims, matches)
    _yield_to_kept(claims, matches, images, taken)
    return [
        Assigned(list(dict.fromkeys(match.file for match in found)), None if found else contested[i])
        for i, found in enumerate(matches)
    ]


@dataclass(slots=True)
class _Taken:
    """The files that a claim cannot get: those of other articles, and those that it lost to other claims."""

    unavailable: Container[str]
    lost: set[str] = field(default_factory=set)

    def __contains__(self, file: object) -> bool:
        return file in self.lost or file in self.unavailable


def _matches(claim: Claim, images: Images, taken: Container[str]) -> list[Match]:
    found = (images.match(href, claim.folder, taken) for href in claim.hrefs)
    return [match for match in found if match]


def _losers(claims: Sequence[Claim], matches: Sequence[Sequence[Match]]) -> list[int]:
    """Returns the positions of the kept claims whose file is another's, or nobody's."""
    by_file: defaultdict[str, list[int]] = defaultdict(list)
    for i, found in enumerate(matches):
        if found and claims[i].is_kept:
            by_file[found[0].file].append(i)
    losers = []
    for positions in by_file.values():
        if len(positions) > 1:
            best = min(matches[i][0].strength for i in positions)
            first, *others = (i for i in positions if matches[i][0].strength == best)
            is_clear = all(_is_same_name(claims[first], claims[i]) for i in others)
            losers += [i for i in positions if not (is_clear and _is_same_name(claims[first], claims[i]))]
    return losers


def _is_same_name(one: Claim, other: Claim) -> bool:
    """Returns whether two claims name one image: of the same article, by the same name or one without extension."""
    if one.article != other.article:
        return False
    names, others = _names(one), _names(other)
    return bool(names & others or names & _stems(others) or _stems(names) & others)


def _names(claim: Claim) -> set[str]:
    return {image_name(href) for href in claim.hrefs}


def _stems(names: Iterable[str]) -> set[str]:
    return {stem_of(name) for name in names}


def _yield_to_kept(
    claims: Sequence[Claim], matches: list[list[Match]], images: Images, taken: Sequence[_Taken]
) -> None:
    """Gives dropped figures other files than those of kept figures that they name differently; changes `matches`."""
    owners: defaultdict[str, list[Claim]] = defaultdict(list)
    for claim, found in zip(claims, matches, strict=True):
        if found and claim.is_kept:
            owners[found[0].file].append(claim)
    for i, claim in enumerate(claims):
        if claim.is_kept:
            continue
        while lost := {match.file for match in matches[i] if _belongs_to_others(claim, owners[match.file])}:
            taken[i].lost |= lost
            matches[i] = _matches(claim, images, taken[i])


def _belongs_to_others(claim: Claim, owners: Sequence[Claim]) -> bool:
    return bool(owners) and not any(_is_same_name(claim, owner) for owner in owners)
