"""Captions in English."""

from __future__ import annotations

import gzip
import json
import pickle
from pathlib import Path

import pyarrow as pa
import pytest

from roco.stages.language import Language, reads_english
from roco.stages.language_id import LanguageId

ENGLISH = "Chest radiograph showing a left pleural effusion."
FRENCH = "Radiographie thoracique de face montrant un épanchement pleural gauche."
ANTERIOR = "Normal x-ray findings of the left lower extremity in the posterior anterior view."


def table(*captions: str | None) -> pa.Table:
    blank = pa.nulls(len(captions), pa.string())
    ids = [str(i) for i in range(len(captions))]
    columns = {"figure_id": ids, "caption": pa.array(captions, pa.string()), "drop": blank, "drop_detail": blank}
    return pa.table(columns)


def decided(stage: Language, *captions: str | None) -> list[tuple[str | None, str | None]]:
    out = stage(LanguageId()(table(*captions)))
    return list(zip(out["drop"].to_pylist(), out["drop_detail"].to_pylist(), strict=True))


def test_the_language_and_how_sure_it_is_are_measured() -> None:
    out = LanguageId()(table(ENGLISH, FRENCH, None, "", "two\nlines\0 of an English text"))
    assert out["language"].to_pylist() == ["en", "fr", None, None, "en"]
    assert out["language_score"].to_pylist()[2:4] == [None, None]
    assert all(0 < s <= 1 for s in out["language_score"].drop_null().to_pylist())
    assert out.schema.field("language_score").type == pa.float32()


def test_loading_the_model_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    LanguageId()(table(ENGLISH))
    assert capfd.readouterr() == ("", "")


def test_the_model_file_is_content_and_the_stage_can_be_sent_away() -> None:
    (path,) = LanguageId().content
    assert path.name == "lid.176.ftz" and path.stat().st_size == 938_013
    assert pickle.loads(pickle.dumps(LanguageId())) == LanguageId()


def test_another_language_leaves_with_its_confidence() -> None:
    kept, french, empty = decided(Language(), ENGLISH, FRENCH, None)
    assert kept == empty == (None, None)
    assert french == ("language", "fr 0.87")


def test_the_words_anterior_and_posterior_do_not_make_a_caption_spanish() -> None:
    assert decided(Language(), ANTERIOR)[0] == (None, None)
    reason, detail = decided(Language(second_opinion=False), ANTERIOR)[0]
    assert reason == "language" and str(detail).startswith("es ")


def test_an_unsure_model_and_a_wanted_language_drop_nothing() -> None:
    assert decided(Language(at_least=1.0), FRENCH) == [(None, None)]
    assert decided(Language(keep=("en", "fr")), FRENCH) == [(None, None)]


def test_the_second_opinion_counts_small_words() -> None:
    assert reads_english("Apex of elytra")
    assert not reads_english("Coupe axiale de l'IRM, left")
    assert not reads_english("Hydrometra.")


@pytest.mark.shared
def test_the_second_opinion_saves_english_captions_and_no_others(shared: Path) -> None:
    captions: list[str] = []
    for path in sorted((shared / "data" / "captions").glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as fh:
            captions += [json.loads(line)["caption"] for line in fh]
    measured = LanguageId()(table(*captions))
    plain = Language(second_opinion=False)(measured)["drop_detail"].to_pylist()
    second = Language()(measured)["drop_detail"].to_pylist()
    assert (len(captions), len(captions) - plain.count(None), len(captions) - second.count(None)) == (5065, 144, 131)
    saved = [p[:2] for p, s in zip(plain, second, strict=True) if p and not s]
    assert sorted(saved) == ["ce", *["es"] * 10, "fr", "it"]  # all thirteen are English, read by eye
