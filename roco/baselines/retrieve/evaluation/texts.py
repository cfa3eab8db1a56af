"""The sentences of a report on the rankings of an index."""

from __future__ import annotations

from collections.abc import Sequence

from roco.baselines.retrieve.query_vectors import OF_CAPTION, OF_IMAGE, OF_TEXT, WORDS
from roco.baselines.retrieve.words import K1, B

CONTAMINATED = (
    "an encoder that was trained on figures or captions of PMC, such as BiomedCLIP, PMC-CLIP or BMC-CLIP, has very "
    "likely seen those of this evaluation: its scores are no estimate for new ones"
)
CIRCULAR = (
    "concepts are extracted from captions and images: a caption that names a concept of the query is often right by "
    "construction"
)
_QUERIES = {
    "image-to-image": "images",
    "text-to-image": "captions",
    "image-to-text": "images",
    "text-to-text": "captions",
    "concepts-to-image": "the names of an image's concepts",
}
_ANSWERS = {
    WORDS: "the captions of the pool, by BM25 (k1 {k1:g}, b {b:g}); without a common word the score is 0",
    OF_IMAGE: "images, by the cosine of their vectors, rounded to 6 decimals",
    OF_TEXT: "images, by the cosine with vectors of the text tower, rounded to 6 decimals",
    OF_CAPTION: "captions, by the cosine of their vectors, rounded to 6 decimals",
}


def described(task: str, methods: Sequence[str]) -> str:
    """Returns what is compared with what, and how."""
    query = _QUERIES[task]
    if task == "image-to-text":
        return "images are compared with captions, by the cosine with vectors of the text tower, rounded to 6 decimals"
    answers = [_ANSWERS[method].format(k1=K1, b=B) for method in methods]
    fusion = "; fused by reciprocal ranks" if len(answers) > 1 else ""
    return f"{query} are compared with {'; and with '.join(answers)}{fusion}"


def notes_of(task: str, without_vector: int) -> list[str]:
    """Returns the notes on a task. without_vector: the number of images of the index without a vector."""
    notes = []
    if task in ("text-to-text", "concepts-to-image"):
        notes.append(CIRCULAR)
    if without_vector:
        notes.append(f"images of the index without a vector, which rank last: {without_vector:,}")
    return notes
