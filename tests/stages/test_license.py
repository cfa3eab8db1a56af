"""What the licence lets through."""

from __future__ import annotations

import pyarrow as pa

from roco.stages.license import License


def table(**columns: list[object]) -> pa.Table:
    n = len(next(iter(columns.values())))
    blank = pa.nulls(n, pa.string())
    return pa.table({"figure_id": [str(i) for i in range(n)], **columns, "drop": blank, "drop_detail": blank})


def decided(stage: License) -> list[tuple[str | None, str | None]]:
    batch = table(
        license=["CC-BY", "CC-BY-NC", "CC-BY-ND", "CONFLICT", None, "CC-BY"],
        retracted=[False, None, False, False, False, True],
    )
    out = stage(batch)
    return list(zip(out["drop"].to_pylist(), out["drop_detail"].to_pylist(), strict=True))


def test_only_allowed_licences_of_standing_articles_stay() -> None:
    assert decided(License()) == [
        (None, None),
        (None, None),
        ("license", "CC-BY-ND"),
        ("license", "CONFLICT"),
        ("license", "NONE"),
        ("retracted", None),
    ]


def test_an_option_lets_retracted_articles_in() -> None:
    assert decided(License(retracted=True))[-1] == (None, None)


def test_the_allowed_licences_are_an_option() -> None:
    assert [d for d, _ in decided(License(allow=("CC-BY-ND",)))][:3] == ["license", "license", None]


def test_a_row_that_left_keeps_its_reason() -> None:
    batch = table(license=["NONE"], retracted=[False]).set_column(3, "drop", pa.array(["missing"]))
    assert License()(batch)["drop"].to_pylist() == ["missing"]
