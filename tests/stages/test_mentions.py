from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from roco.base.schema import COLUMNS
from roco.models.text.terms.table import SHIPPED
from roco.stages.mentions import Mentions


def batch(*captions: str | None) -> pa.Table:
    nothing = pa.nulls(len(captions), pa.string())
    return pa.table(
        {
            "figure_id": pa.array([str(i) for i in range(len(captions))]),
            "drop": nothing,
            "drop_detail": nothing,
            "caption": pa.array(captions, pa.string()),
        }
    )


def test_each_caption_gets_its_mentions_and_a_missing_caption_gets_null() -> None:
    table = Mentions()(batch("Chest CT", "Nothing here", None))
    assert table["mentions"].type == COLUMNS["mentions"].type
    assert table["mentions"].to_pylist() == [
        [
            {"cui": "C0817096", "start": 0, "end": 5, "text": "Chest"},
            {"cui": "C0040405", "start": 6, "end": 8, "text": "CT"},
        ],
        [],
        None,
    ]


def test_another_vocabulary_replaces_the_shipped_one(tmp_path: Path) -> None:
    mine = tmp_path / "mine.csv"
    mine.write_text("cui,name,tui,kind,label,synonyms\nC0000001,here,,concept,,\n", encoding="utf-8")
    table = Mentions(vocabulary=mine)(batch("Chest CT here"))
    assert [m["text"] for m in table["mentions"][0].as_py()] == ["here"]


def test_the_digest_depends_on_the_content_of_the_vocabulary_and_not_on_its_name(tmp_path: Path) -> None:
    one, other = tmp_path / "one.csv", tmp_path / "other.csv"
    one.write_bytes(SHIPPED.read_bytes())
    other.write_bytes(SHIPPED.read_bytes())
    assert Mentions().content == (SHIPPED,)
    assert Mentions(vocabulary=one).digest({}) == Mentions(vocabulary=other).digest({})
    other.write_bytes(SHIPPED.read_bytes() + b"C0000001,here,,concept,,\n")
    assert Mentions(vocabulary=one).digest({}) != Mentions(vocabulary=other).digest({})
