"""A score that its library fixes, whatever the captions say, is reported with the reason."""

from __future__ import annotations

import pytest

from roco import evaluate_captions
from roco.evaluate.caption_limits import idf_limits, meteor_limits
from roco.evaluate.caption_pairs import Models
from roco.models.text.vocabulary.table import SHIPPED
from tests.evaluate.examples import CAPTIONS, PREDICTED_CAPTIONS


def note(score: str, truth: tuple[str, ...], predictions: tuple[str, ...]) -> str:
    """Returns the note of a score."""
    pairs = [{f"i{n}": caption for n, caption in enumerate(captions)} for captions in (predictions, truth)]
    report = evaluate_captions(*pairs, metrics=(score,), models=Models(vocabulary=SHIPPED))
    return report.scores[0].note


@pytest.mark.parametrize(
    ("score", "truth", "predictions", "remark"),
    [
        # CIDEr: IDF 0.
        ("cider", ("CT of the chest",), ("CT of the chest",), "always 0 for a single image"),
        ("cider", ("a cyst", "a cyst"), ("a cyst", "x"), "always 0 for 2 of 2 images"),
        ("cider", ("a cyst", "a cyst of the liver"), ("a", "b"), "always 0 for 1 of 2 images"),
        # ROUGE: letters a to z.
        ("rouge1", ("опухоль печени", "CT"), ("опухоль печени", "CT"), "always 0 for 1 pair"),
        ("rougeL", ("肺部阴影", "x"), ("肺部阴影", "胃"), "always 0 for 2 pairs"),
        ("rouge1", ("größe der Zyste", "CT"), ("grosse Zyste", "CT"), "ignores letters other than a to z (in 1 pair)"),
        # BLEU: orders without a word sequence, or without a match.
        ("bleu2", ("CT", "MRI"), ("CT", "MRI"), "no prediction has 2 words in a row"),
        ("bleu4", ("a b c d", "e f g h"), ("a b c x", "e f g x"), "no 4 words in a row match"),
        ("sacrebleu", ("CT", "MRI"), ("CT", "MRI"), "no prediction has 2 words in a row"),
        ("sacrebleu", ("a b c d", "e f g h"), ("a b c x", "e f g x"), "no 4 words in a row match"),
        ("bleu1", ("a b", "c"), ("x", "y"), "no word match"),
        # Scripts without spaces.
        ("bleu1", ("肺部阴影", "CT"), ("肺部", "CT"), "1 pair in a script without spaces"),
        ("cider", ("ปอด", "CT"), ("ปอด", "CT"), "1 pair in a script without spaces"),
        # Concepts.
        ("umls_f1", ("nothing known", "CT"), ("nothing either", "CT"), "0 for 1 images without a concept"),
    ],
)  # fmt: skip
def test_a_limit_is_named_in_the_note_of_the_score(
    score: str, truth: tuple[str, ...], predictions: tuple[str, ...], remark: str
) -> None:
    assert remark in note(score, truth, predictions)


def test_a_limit_of_a_higher_order_is_none_of_a_lower_one() -> None:
    assert note("bleu1", ("CT", "MRI"), ("CT", "MRI")) == "corpus level, pycocoevalcap"
    assert note("bleu3", ("a b c d", "e f g h"), ("a b c x", "e f g x")) == "corpus level, pycocoevalcap"


def test_ordinary_captions_have_plain_notes() -> None:
    report = evaluate_captions(PREDICTED_CAPTIONS, CAPTIONS, metrics=("rougeL", "bleu3", "cider"))
    assert [score.note for score in report.scores] == [
        "F1, rouge-score, no stemmer",
        "corpus level, pycocoevalcap",
        "pycocoevalcap, IDF of this ground truth",
    ]


def test_empty_captions_are_no_other_script() -> None:
    assert note("rouge1", ("", "CT"), ("CT", "CT")) == "F1, rouge-score, no stemmer"


def test_meteor_and_weighted_bertscore_have_limits_too() -> None:
    assert "words of 1 pair in another script" in meteor_limits(["рак", "ct"], ["рак", "ct"])[0]
    assert meteor_limits(["größe 5 µm, α error"], ["größe"]) == []
    assert idf_limits(["a", "a"]) and not idf_limits(["a", "b"])
