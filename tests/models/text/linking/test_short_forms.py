"""Tests of short forms: each example of the shipped table, and what a wrong table is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from roco.base.errors import DataError
from roco.models.text.linking import short_forms
from roco.models.text.linking.dictionary import Dictionary
from roco.models.text.linking.short_forms import Meaning, shipped
from roco.models.text.vocabulary.table import Concept, Vocabulary
from tests.models.text.linking.vocabularies import vocabulary

MEANINGS = [meaning for meanings in shipped().values() for meaning in meanings]
NAMES = dict.fromkeys(meaning.names[0] for meaning in MEANINGS)
CUIS = {name: f"C{number:07}" for number, name in enumerate(NAMES)}
LINKER = Dictionary(Vocabulary(tuple(Concept(cui, name) for name, cui in CUIS.items())))

EXAMPLES = [(meaning, text, True) for meaning in MEANINGS for text in meaning.examples]
EXAMPLES += [(meaning, text, False) for meaning in MEANINGS for text in meaning.counterexamples]


@pytest.mark.parametrize(
    ("meaning", "text", "linked"), EXAMPLES, ids=lambda value: value if isinstance(value, str) else ""
)
def test_the_examples_of_the_table_hold(meaning: Meaning, text: str, linked: bool) -> None:
    found = [mention for mention in LINKER.link([text])[0] if mention.text == meaning.form]
    assert (CUIS[meaning.names[0]] in {mention.cui for mention in found}) == linked


def test_every_meaning_has_an_example_and_every_condition_a_counterexample() -> None:
    for meaning in MEANINGS:
        assert meaning.examples, meaning.form
        if meaning.anywhere or meaning.not_anywhere or meaning.imaging:
            assert meaning.counterexamples, meaning.form


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[[meaning]]\nform = "US"\nnames = ["x"]\nanywere = ["x"]', "short form 'US': unknown key 'anywere'"),
        ('[[meaning]]\nform = "US"', "short form 'US': missing key 'names'"),
        ('[[meaning]]\nnames = ["x"]', "missing key 'form'"),
        ('[[meaning]]\nform = "US"\nnames = ["x"]\nafter = ["("]', "invalid pattern in 'after'"),
    ],
)
def test_a_wrong_table_is_an_error_with_its_place(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "short.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=message.replace("(", "\\(")):
        short_forms.load(path)


IMAGING = Dictionary(vocabulary("ultrasonography|ultrasound", "computed tomography|CT", "MRI", "multiple sclerosis"))
IMAGING_CUIS = {"US": "C0000001", "CT": "C0000002", "MRI": "C0000003", "MS": "C0000004"}


@pytest.mark.parametrize(
    ("text", "forms"),
    [
        ("Ultrasound (US) of the liver. US shows a cyst.", "US US"),
        ("Ultrasonography (US): the US image.", "US US"),
        ("Multiple sclerosis (MS); MS in another patient.", "MS MS"),
        ("Ultrasound (US) of a patient from the US.", "US"),
        ("Ultrasound (US) in a US Army hospital.", "US"),
        ("Unspecified study (US) of a fracture. US was repeated.", ""),
    ],
)
def test_a_short_form_that_the_caption_defines_is_linked_wherever_it_is_written(text: str, forms: str) -> None:
    found = [mention for mention in IMAGING.link([text])[0] if mention.text in IMAGING_CUIS]
    assert " ".join(mention.text for mention in found) == forms
    assert all(mention.cui == IMAGING_CUIS[mention.text] for mention in found)


@pytest.mark.parametrize(
    ("text", "forms"),
    [
        ("CT (A), US (B), and MRI (C).", "CT US MRI"),
        ("US (A), CT (B) of a cyst.", "US CT"),
        ("US (a-c) and CT (d, e).", "US CT"),
        ("US (B)", "US"),
        ("Map of the US (A) and Canada (B).", ""),
        ("Cases in the US (A), per year (B).", ""),
        ("US (A) population.", ""),
        ("LET US (A) SEE THE LESION (B).", ""),
        ("Let us (A) compare the sides (B).", ""),
    ],
)
def test_panel_letters_after_a_short_form_do_not_decide_what_it_means(text: str, forms: str) -> None:
    found = [mention.text for mention in IMAGING.link([text])[0]]
    assert " ".join(found) == forms
