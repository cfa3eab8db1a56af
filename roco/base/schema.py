"""The columns of a figure, the reasons for which it can leave, and the tables that sources hand over."""

from __future__ import annotations

from typing import NamedTuple

import pyarrow as pa


class Column(NamedTuple):
    """What one column holds: Arrow type and meaning, with its unit."""

    type: pa.DataType
    meaning: str


STRINGS = pa.list_(pa.string())
DATES = pa.list_(pa.struct([("kind", pa.string()), ("date", pa.string())]))
RELATED = pa.list_(pa.struct([("kind", pa.string()), ("id", pa.string())]))
CITATIONS = pa.list_(
    pa.struct(
        [
            ("text", pa.string()),
            ("section", pa.string()),
            ("start", pa.int32()),
            ("end", pa.int32()),
            ("kind", pa.string()),
        ]
    )
)

COLUMNS: dict[str, Column] = {
    # identity
    "figure_id": Column(pa.string(), "article version / fig id or ordinal / graphic: `PMC123.1/f1/0`"),
    "article_key": Column(pa.string(), "PMCID, else DOI, else name of the package"),
    "image_key": Column(pa.string(), "article_key + sha256 of the bytes: labels, pins and release ids hang on it"),
    "origin": Column(pa.string(), "kind of the source the figure came from: package, cloud, folder"),
    # the article
    "pmcid": Column(pa.string(), "`PMC123`"),
    "version": Column(pa.int32(), "version of the article, where the source tells one"),
    "pmid": Column(pa.string(), "PubMed id"),
    "doi": Column(pa.string(), "DOI, lower case"),
    "title": Column(pa.string(), "title of the article"),
    "journal": Column(pa.string(), "name of the journal"),
    "year": Column(pa.int32(), "earliest year of electronic, collection or print publication"),
    "year_from": Column(pa.string(), "kind of the date that the year is from: epub, collection, ppub, index …"),
    "dates": Column(DATES, "dates of publication by kind: epub, ppub, collection …; `2016`, `2016-11` or `2016-11-03`"),
    "authors": Column(STRINGS, "authors in order, `Surname, Given`; collaborations by name; no editors"),
    "article_type": Column(pa.string(), "JATS article-type: case-report, research-article …"),
    "article_language": Column(pa.string(), "xml:lang of the article, as written"),
    "keywords": Column(STRINGS, "keywords in the language of the article, in order"),
    "related": Column(RELATED, "articles that this one names: kind; `doi:…`, `pmid:…`, `pmcid:…` or address"),
    "retracted": Column(pa.bool_(), "the article is retracted, by index, metadata or XML"),
    "retraction": Column(pa.string(), "where the retraction is told: index, title, related-article …"),
    "retracts": Column(STRINGS, "of a notice of retraction: the papers it retracts, `doi:…`, `pmid:…` or `pmcid:…`"),
    "open_access": Column(pa.bool_(), "in PMC's open access subset; null where nobody tells"),
    "manuscript": Column(pa.bool_(), "an author's manuscript; null where nobody tells"),
    "license": Column(pa.string(), "normalised licence: CC-BY, CC-BY-NC, NO-CC, NONE, CONFLICT …"),
    "license_url": Column(pa.string(), "the licence's address as written in the article"),
    "license_version": Column(pa.string(), "version of a Creative Commons licence: `4.0`"),
    "license_port": Column(pa.string(), "jurisdiction that the licence is ported to: `us`, `igo`"),
    "license_evidence": Column(pa.string(), "where the licence was found: index, href, ali, text, and what each said"),
    "license_trust": Column(pa.string(), "how sure: agreed (several places), stated (one), linked, weak (words alone)"),
    "copyright": Column(pa.string(), "the article's copyright statement, as written"),
    "third_party": Column(pa.string(), "words of the article that except material of third parties from its licence"),
    # the figure
    "fig_id": Column(pa.string(), "id attribute of the figure, null where it has none"),
    "label": Column(pa.string(), "label as printed: `Figure 1`"),
    "caption_raw": Column(pa.string(), "caption as published, markup flattened"),
    "caption": Column(pa.string(), "caption normalised: NFC, white space folded, URLs and LaTeX copies removed"),
    "caption_from": Column(pa.string(), "whose caption it is: figure, group, group and figure, or parts"),
    "credit": Column(pa.string(), "the figure's own credit line: its <attrib> and its copyright statement"),
    "figure_license": Column(pa.string(), "normalised licence that the figure states for itself; null where none"),
    "mentions_in_text": Column(CITATIONS, "passages that cite the figure: text, section, offsets, kind of citation"),
    "archive": Column(pa.string(), "place of the article's package, relative to the source"),
    "file": Column(pa.string(), "name of the image in its package"),
    "n_graphics": Column(pa.int32(), "graphics of the same figure"),
    "n_images_in_package": Column(pa.int32(), "image files in the article's package"),
    # measures
    "language": Column(pa.string(), "language of the caption, ISO 639-1 where there is one"),
    "language_score": Column(pa.float32(), "how sure the language is, 0 to 1"),
    "format": Column(pa.string(), "format of the bytes as found: JPEG, PNG, TIFF, GIF, WEBP, BMP"),
    "declared": Column(pa.string(), "format that the extension of the file's name claims; null for none of these"),
    "width": Column(pa.int32(), "pixels"),
    "height": Column(pa.int32(), "pixels"),
    "mode": Column(pa.string(), "pixel mode as stored: L, RGB, CMYK, P, I;16 …"),
    "n_frames": Column(pa.int32(), "frames or pages in the file, of which the first counts; 1,000 stands for more"),
    "identifying_fields": Column(STRINGS, "metadata fields (EXIF, XMP, IPTC, comment) that may name people or places"),
    "n_bytes": Column(pa.int64(), "size of the image file in bytes"),
    "sha256": Column(pa.string(), "SHA-256 of the image's bytes, hexadecimal"),
    "phash": Column(pa.string(), "perceptual hash of 64 bits, hexadecimal; null where the image shows nothing"),
    "phash_fine": Column(pa.string(), "second perceptual hash, of 576 bits, hexadecimal; null where phash is"),
    "mentions": Column(
        pa.list_(pa.struct([("cui", pa.string()), ("start", pa.int32()), ("end", pa.int32()), ("text", pa.string())])),
        "names of the vocabulary found in the caption: CUI, character offsets, words as written",
    ),
    # decisions
    "given_id": Column(pa.string(), "id that the image has in the dataset it was read from"),
    "given_split": Column(pa.string(), "split that the image has in the dataset it was read from"),
    "given_concepts": Column(STRINGS, "CUIs that the dataset it was read from found by machine"),
    "given_manual": Column(STRINGS, "CUIs that people gave in the dataset it was read from"),
    "pinned_id": Column(pa.string(), "id that the image has in the earlier release, which it keeps"),
    "pinned_split": Column(pa.string(), "split that the image has in the earlier release, which it keeps"),
    "pinned_by": Column(
        pa.string(), "what told the image again: image (article and bytes), file (article and name), given"
    ),
    "duplicate_group": Column(pa.string(), "image_key of the image that stays of those that are the same"),
    "similar_group": Column(pa.string(), "smallest image_key of the images that are alike; it ties splits"),
    "modality": Column(pa.string(), "DRAN DRCO DRCT DRMR DRPE DRUS DRXR"),
    "modality_from": Column(pa.string(), "who says the modality: label (people) or guess (the words of the caption)"),
    "region": Column(pa.string(), "body region of an X-ray: abdomen, breast, chest, cranium …"),
    "direction": Column(pa.string(), "direction of an X-ray: coronal_ap, coronal_pa, sagittal, transversal"),
    "concepts_auto": Column(STRINGS, "CUIs found by machine"),
    "concepts_manual": Column(STRINGS, "CUIs given by people"),
    "concepts": Column(STRINGS, "CUIs of the release: modality, region, direction, then the rest"),
    "split": Column(pa.string(), "train, valid or test"),
    "id": Column(pa.string(), "id in the release"),
    "drop": Column(pa.string(), "why the figure left: one word; null while it is in"),
    "drop_detail": Column(pa.string(), "what exactly was seen"),
    # in memory only
    "bytes": Column(pa.large_binary(), "the image file; never written to a table"),
    "thumbnail": Column(pa.large_binary(), "JPEG of at most 280 px a side; kept in the pack, never in a table"),
}

SPLITS = ("train", "valid", "test")

REASONS: dict[str, str] = {
    "license": "the licence does not allow handing the image on unchanged",
    "rights": "the figure is credited to somebody else",
    "retracted": "the article is retracted",
    "no_graphic": "the figure has no image",
    "missing": "the image is named but not in the package",
    "video": "the figure is a video or another medium",
    "table": "the image shows a table",
    "scope": "no figure of the article itself: translation, letter, portrait, formula, supplement",
    "caption": "no caption that says something",
    "language": "the caption is not in English",
    "unreadable": "the image cannot be decoded",
    "compound": "several images in one",
    "radiology": "not a radiology image",
    "label": "a person said that it does not belong",
    "duplicate": "the same image is in already",
    "concepts": "no concept is left",
    "leak": "it would tie two splits together",
    "superseded": "a newer version of the article stands for it, or the source lists it no more",
    "article": "the package or its XML cannot be read; one row stands for the article",
}

DROP: dict[str, pa.DataType] = {"drop": pa.string(), "drop_detail": pa.string()}

LISTING = pa.schema(
    [
        ("article", pa.string()),  # unique name of the package within the source, the version included
        ("digest", pa.string()),  # changes when the package or what the index says of it changes
        ("place", pa.string()),  # where it is, relative to the source
        ("stamp", pa.string()),  # size and time: while it stays, the package is not opened for its digest
        ("facts", pa.string()),  # what index or metadata say of it: JSON with sorted keys
    ]
)
"""What a source lists: one row for a package, sorted by article."""

ARTICLES = pa.schema(
    [
        ("article", pa.string()),
        ("place", pa.string()),
        ("origin", pa.string()),
        ("facts", pa.string()),
        ("xml_name", pa.string()),  # null where there is none
        ("xml", pa.large_binary()),
        ("files", pa.list_(pa.struct([("name", pa.string()), ("size", pa.int64())]))),
        ("error", pa.string()),  # why the package cannot be read, null where it can
    ]
)
"""What `extract` reads: one row for an XML file, with the names of all that lies beside it."""


def types(*names: str) -> dict[str, pa.DataType]:
    """Arrow types of the named columns, for a stage's `writes`."""
    return {name: COLUMNS[name].type for name in names}
