"""The columns of a figure, the reasons for which figures are dropped, and the schemas of the tables of sources."""

from __future__ import annotations

from typing import NamedTuple

import pyarrow as pa


class Column(NamedTuple):
    """One column: its Arrow type and its meaning, with unit."""

    type: pa.DataType
    meaning: str


STRINGS = pa.list_(pa.string())
DATES = pa.list_(pa.struct([("kind", pa.string()), ("date", pa.string())]))
RELATED = pa.list_(pa.struct([("kind", pa.string()), ("id", pa.string())]))
NAMES = pa.list_(pa.struct([("cui", pa.string()), ("name", pa.string())]))
TERMS = pa.list_(pa.struct([("cui", pa.string()), ("start", pa.int32()), ("end", pa.int32()), ("text", pa.string())]))
MENTIONS = pa.list_(
    pa.struct(
        [
            ("cui", pa.string()),
            ("start", pa.int32()),
            ("end", pa.int32()),
            ("text", pa.string()),
            ("score", pa.float32()),
            ("negated", pa.bool_()),
            ("uncertain", pa.bool_()),
            ("linker", pa.string()),
            ("name", pa.string()),
            ("tui", pa.string()),
        ]
    )
)
SUGGESTED = pa.list_(
    pa.struct(
        [
            ("cui", pa.string()),
            ("score", pa.float32()),
            ("linker", pa.string()),
            ("name", pa.string()),
            ("tui", pa.string()),
        ]
    )
)
CONFLICTS = pa.list_(pa.struct([("kind", pa.string()), ("manual", pa.string()), ("automatic", pa.list_(pa.string()))]))
EVIDENCE = pa.list_(
    pa.struct(
        [
            ("of", pa.string()),
            ("text", pa.string()),
            ("start", pa.int32()),
            ("end", pa.int32()),
            ("rule", pa.string()),
        ]
    )
)
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

PIXELS = pa.struct(
    [("height", pa.int32()), ("width", pa.int32()), ("channels", pa.int32()), ("samples", pa.large_binary())]
)
"""A decoded image: 8-bit samples, row by row, channels interleaved."""

COLUMNS: dict[str, Column] = {
    # identity
    "figure_id": Column(pa.string(), "article version / fig id or ordinal / graphic: `PMC123.1/f1/0`"),
    "article_key": Column(pa.string(), "PMCID, else DOI, else name of the package"),
    "image_key": Column(
        pa.string(), "article_key and SHA-256 of the bytes; identifies the image in labels and across releases"
    ),
    "origin": Column(pa.string(), "kind of the source: package, cloud, folder"),
    # the article
    "pmcid": Column(pa.string(), "`PMC123`"),
    "version": Column(pa.int32(), "version of the article, if the source has one"),
    "pmid": Column(pa.string(), "PubMed id"),
    "doi": Column(pa.string(), "DOI, lower case"),
    "title": Column(pa.string(), "title of the article"),
    "journal": Column(pa.string(), "name of the journal"),
    "year": Column(pa.int32(), "earliest year of electronic, collection or print publication"),
    "year_from": Column(pa.string(), "kind of the date that the year is from: epub, collection, ppub, index …"),
    "dates": Column(DATES, "dates of publication by kind: epub, ppub, collection …; `2016`, `2016-11` or `2016-11-03`"),
    "authors": Column(
        STRINGS, "authors in order, `Surname, Given` or `Surname, Given, Jr`; collaborations by name; no editors"
    ),
    "article_type": Column(pa.string(), "JATS article-type: case-report, research-article …"),
    "article_language": Column(pa.string(), "xml:lang of the article, as written"),
    "keywords": Column(STRINGS, "keywords in the language of the article, in order"),
    "related": Column(RELATED, "related articles that this one names: kind; `doi:…`, `pmid:…`, `pmcid:…` or address"),
    "retracted": Column(pa.bool_(), "the article is retracted, by index, metadata or XML"),
    "retraction": Column(pa.string(), "where the retraction is stated: index, title, related-article …"),
    "retracts": Column(STRINGS, "of a retraction notice: the retracted articles, `doi:…`, `pmid:…` or `pmcid:…`"),
    "open_access": Column(pa.bool_(), "in the open access subset of PMC; null if unknown"),
    "manuscript": Column(pa.bool_(), "an author manuscript; null if unknown"),
    "license": Column(pa.string(), "normalised licence: CC-BY, CC-BY-NC, NO-CC, NONE, CONFLICT …"),
    "license_url": Column(pa.string(), "address of the licence, as written in the article"),
    "license_version": Column(pa.string(), "version of a Creative Commons licence: `4.0`"),
    "license_port": Column(pa.string(), "jurisdiction that the licence is ported to: `us`, `igo`"),
    "license_evidence": Column(
        pa.string(), "where the licence was found (index, href, ali, text) and its value in each place"
    ),
    "license_trust": Column(
        pa.string(), "reliability of the licence: agreed (several places), stated (one), linked, weak (text only)"
    ),
    "copyright": Column(pa.string(), "the article's copyright statement, as written"),
    "third_party": Column(pa.string(), "sentence of the article that excludes third-party material from its licence"),
    # the figure
    "fig_id": Column(pa.string(), "id attribute of the figure; null if it has none"),
    "label": Column(pa.string(), "label as printed: `Figure 1`"),
    "caption_raw": Column(
        pa.string(), "caption as published, without markup and invisible characters, with single spaces"
    ),
    "caption": Column(
        pa.string(),
        "caption in NFC, with single spaces, without addresses (URL, DOI, e-mail) and what leads to them, without "
        "LaTeX copies of formulas; `[link]`, `[formula]` and `[symbol]` stand for what a sentence needs but text lacks",
    ),
    "caption_from": Column(
        pa.string(), "element with the caption: figure, group, group and figure, parts, or translation (in English)"
    ),
    "located_in": Column(
        pa.string(), "part of the article with the figure: box, appendix, back matter; null in its ordinary text"
    ),
    "credit": Column(pa.string(), "the figure's own credit line: its <attrib> and its copyright statement"),
    "figure_license": Column(
        pa.string(), "normalised licence that the figure states for itself; null if it states none"
    ),
    "mentions_in_text": Column(CITATIONS, "passages that cite the figure: text, section, offsets, kind of citation"),
    "archive": Column(
        pa.string(),
        "path of the article's package, relative to the source; control characters are escaped in a release",
    ),
    "file": Column(pa.string(), "file name of the image in its package; control characters are escaped in a release"),
    "n_graphics": Column(pa.int32(), "number of graphics of the same figure"),
    "n_images_in_package": Column(pa.int32(), "number of image files in the article's package"),
    # measures
    "language": Column(pa.string(), "language of the caption, ISO 639-1 if it has a code"),
    "language_score": Column(pa.float32(), "probability of the language, 0 to 1"),
    "format": Column(pa.string(), "format of the file, from its content: JPEG, PNG, WEBP, TIFF, GIF, BMP"),
    "declared": Column(
        pa.string(), "format that the extension of the file name declares; null if it is not one of these formats"
    ),
    "width": Column(pa.int32(), "pixels"),
    "height": Column(pa.int32(), "pixels"),
    "mode": Column(pa.string(), "pixel mode as stored: L, RGB, CMYK, P, I;16 …"),
    "n_frames": Column(pa.int32(), "number of frames or pages, at most 1,000; only the first is used"),
    "identifying_fields": Column(STRINGS, "metadata fields (EXIF, XMP, IPTC, comment) that may name people or places"),
    "n_bytes": Column(pa.int64(), "size of the image file in bytes"),
    "sha256": Column(pa.string(), "SHA-256 of the image's bytes, hexadecimal"),
    "phash": Column(pa.string(), "perceptual hash, 64 bits, hexadecimal; null if the image has no contrast"),
    "phash_fine": Column(pa.string(), "second perceptual hash, 576 bits, hexadecimal; null if phash is"),
    "terms": Column(
        TERMS, "names of modalities, regions and directions in the caption: CUI, character offsets, text as written"
    ),
    "mentions": Column(
        MENTIONS,
        "concepts in the caption: CUI, character offsets, text as written, probability or similarity, whether the "
        "caption negates or doubts it, linker, name of the concept, semantic types separated by `|`",
    ),
    "suggested": Column(
        SUGGESTED, "concepts that a linker suggests without words for them: CUI, probability, linker, name, types"
    ),
    "layout": Column(
        pa.list_(pa.float32()), "panels, edges, tone and colour of the image: numbers of `models.images.layout`"
    ),
    "n_rows": Column(pa.int32(), "rows of panels that are divided by white, black or uniform bands"),
    "n_columns": Column(pa.int32(), "columns of panels that are divided by white, black or uniform bands"),
    "embedding": Column(pa.binary(), "features of the image by a network: 16-bit floats, little-endian"),
    "text_read": Column(
        pa.string(), "how text in the image was looked for: ocr; gate (no edges like those of text: none); failed"
    ),
    "text_share": Column(pa.float32(), "share of the area of the image that text covers, 0 to 1; null if OCR failed"),
    "text_words": Column(
        pa.int32(), "number of words and numbers in the image, without single letters; null if OCR failed"
    ),
    "text_lines": Column(
        pa.binary(), "lines of text in the image, with confidences and boxes, as JSON; in the run, never in a release"
    ),
    # decisions
    "given_id": Column(pa.string(), "id of the image in the dataset from which it was read"),
    "given_split": Column(pa.string(), "split of the image in the dataset from which it was read"),
    "given_concepts": Column(
        STRINGS, "CUIs that were detected automatically in the dataset from which the image was read"
    ),
    "given_manual": Column(STRINGS, "CUIs that were assigned manually in the dataset from which the image was read"),
    "given_names": Column(NAMES, "names of these CUIs in the dataset from which the image was read"),
    "pinned_id": Column(pa.string(), "id of the image in the previous release, which is kept"),
    "pinned_split": Column(pa.string(), "split of the image in the previous release, which is kept"),
    "pinned_by": Column(
        pa.string(),
        "how the image was identified: image (article and bytes), file (article and name), retired (article and bytes "
        "of an image whose id was retired), given (by a dataset that is a source)",
    ),
    "panel_letters": Column(pa.string(), "panel letters in the image: `ABC`; empty if there are none"),
    "caption_run": Column(pa.int32(), "consecutive words of the caption that the image contains, at most"),
    "caption_overlap": Column(pa.float32(), "share of the words of the caption that the image contains, 0 to 1"),
    "identifying_text": Column(
        STRINGS, "kinds of text in the image that may identify a person: date, age, birth, id, name, place"
    ),
    "screening": Column(
        STRINGS,
        "checks of the text in the image that flag it: unread, identity, caption, panels, text; null if none ran",
    ),
    "duplicate_group": Column(pa.string(), "image_key of the image that is kept of a group of duplicates"),
    "similar_group": Column(
        pa.string(), "smallest image_key of a group of near-duplicates; a group stays in one split"
    ),
    "modality_guess": Column(pa.string(), "most probable modality by caption and pixels; OTHER: no radiology"),
    "modality_p": Column(pa.float32(), "probability of the guessed modality, 0 to 1"),
    "modality_margin": Column(
        pa.float32(), "probability of the guessed modality less that of the next one; null if only one was considered"
    ),
    "modality_guess_from": Column(pa.string(), "what the guess is based on: caption, pixels or both"),
    "modality_disagrees": Column(
        pa.bool_(), "whether the pixels show another modality than the caption names; null if one of them shows none"
    ),
    "region_guess": Column(pa.string(), "body region of an X-ray, by its caption"),
    "region_guess_from": Column(pa.string(), "what the guess is based on: caption"),
    "direction_guess": Column(pa.string(), "direction of an X-ray, by its caption"),
    "direction_guess_from": Column(pa.string(), "what the guess is based on: caption"),
    "guess_evidence": Column(
        EVIDENCE, "words of the caption behind the guesses: of (modality, region, direction), text, offsets, rule"
    ),
    "labelled_modality": Column(pa.string(), "modality that people chose; null if nobody did, or they disagree"),
    "labelled_regions": Column(STRINGS, "body regions that people chose; empty if none fits, null if nobody chose"),
    "labelled_directions": Column(STRINGS, "directions that people chose; empty if none fits, null if nobody chose"),
    "labelled_concepts": Column(STRINGS, "CUIs of the labels that people chose in tasks of one's own"),
    "modality": Column(pa.string(), "DRAN DRCO DRCT DRMR DRPE DRUS DRXR"),
    "modality_from": Column(
        pa.string(), "origin of the modality: label (assigned manually) or guess (stage `guess`, or the caption)"
    ),
    "region": Column(pa.string(), "body region of an X-ray: abdomen, breast, chest, cranium …"),
    "direction": Column(pa.string(), "direction of an X-ray: coronal_ap, coronal_pa, sagittal, transversal"),
    "concepts_auto": Column(STRINGS, "CUIs detected automatically"),
    "caption_keywords": Column(
        STRINGS, "words of the caption that the automatic concepts stand for, in lower case, in order, each once"
    ),
    "concept_conflicts": Column(
        CONFLICTS,
        "manual labels that the caption contradicts: kind (modality, region, direction), manual CUI, CUIs in the "
        "caption; null without manual concepts",
    ),
    "concepts_manual": Column(STRINGS, "CUIs assigned manually"),
    "concepts": Column(STRINGS, "CUIs in the release: modality, region, direction, then the others"),
    "split": Column(pa.string(), "train, valid or test"),
    "id": Column(pa.string(), "id in the release"),
    "drop": Column(pa.string(), "reason for which the figure was dropped, one word; null if it is kept"),
    "drop_detail": Column(pa.string(), "details of the reason"),
    # in memory only
    "bytes": Column(pa.large_binary(), "the image file; in memory only"),
    "thumbnail": Column(pa.large_binary(), "JPEG of at most 280 px a side; in the pack of the run, never in a table"),
    "small": Column(PIXELS, "the decoded image reduced to a long side of at most 400 px; in memory only"),
    "pixels": Column(PIXELS, "the decoded image, 8-bit grey or RGB, upright; in memory only"),
}

SPLITS = ("train", "valid", "test")


DROP: dict[str, pa.DataType] = {"drop": pa.string(), "drop_detail": pa.string()}
"""The columns of every table of figures that a stage may fill to drop a row."""

LISTING = pa.schema(
    [
        ("article", pa.string()),  # unique name of the package in the source, with its version
        ("digest", pa.string()),  # changes if the package or its entry in the index changes
        ("place", pa.string()),  # its path, relative to the source
        ("stamp", pa.string()),  # size and time; the digest is computed again only if they change
        ("facts", pa.string()),  # its entry in the index or metadata: JSON with sorted keys
    ]
)
"""The listing of a source: one row for each package, sorted by article."""

ARTICLES = pa.schema(
    [
        ("article", pa.string()),
        ("place", pa.string()),
        ("origin", pa.string()),
        ("facts", pa.string()),
        ("xml_name", pa.string()),  # null if the package has no XML
        ("xml", pa.large_binary()),
        ("files", pa.list_(pa.struct([("name", pa.string()), ("size", pa.int64())]))),
        ("error", pa.string()),  # why the package cannot be read; null if it can
    ]
)
"""The input of `extract`: one row for each XML file, with the names of all other files of its package."""


# --- counts of `extract` that are not about articles

OTHER_XML = "xml_without_article"
"""Number of XML files that are other documents, such as lists of the files of a package."""
NOT_READ = "not_read"
"""Before a space and the reason: number of files that may contain articles but are of formats that are not read."""


def types(*names: str) -> dict[str, pa.DataType]:
    """Returns the Arrow types of the named columns, for the `writes` of a stage."""
    return {name: COLUMNS[name].type for name in names}
