"""The contact sheet of the hits of a search."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from roco.base.errors import DataError, UsageError
from roco.baselines.retrieve import sheet
from roco.baselines.retrieve.hits import Hit
from roco.baselines.retrieve.sheet import hits_sheet
from roco.models.images.contact_sheet import Group, contact_sheet


def hits(n: int) -> list[Hit]:
    return [
        Hit(
            rank=rank, score=0.5, id=f"drawn_{rank}", split="train", caption="", modality="DRCT", license="CC-BY-NC",
            link="https://doi.org/10.1/x", article="x",
        )
        for rank in range(1, n + 1)
    ]  # fmt: skip


def jpeg(shade: int) -> bytes:
    out = io.BytesIO()
    Image.new("L", (300, 200), shade).save(out, "JPEG")
    return out.getvalue()


def test_hits_are_drawn_by_rank_with_id_modality_licence_and_article(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[Group] = []

    def draw(groups: list[Group], path: Path) -> None:
        drawn.extend(groups)
        contact_sheet(groups, path)

    monkeypatch.setattr(sheet, "contact_sheet", draw)
    hits_sheet(hits(8), lambda id: jpeg(int(id[-1]) * 20), tmp_path / "hits.png", "chest CT")
    (group,) = drawn
    assert group.title == "chest CT. Not for clinical use"
    assert [one.lines[0] for one in group.pictures] == [f"{rank}. drawn_{rank}" for rank in range(1, 9)]
    assert list(group.pictures[0].lines[1:]) == ["DRCT · CC-BY-NC", "https://doi.org/10.1/x"]
    with Image.open(tmp_path / "hits.png") as image:
        assert image.width > 1000 and len(image.convert("L").getcolors(1 << 20) or ()) > 8


@pytest.mark.parametrize("image", [b"no image", b""])
def test_an_image_that_is_missing_or_unreadable_leaves_its_place(tmp_path: Path, image: bytes) -> None:
    def read(id: str) -> bytes:
        if not image:
            raise DataError("missing file")
        return image

    hits_sheet(hits(1), read, tmp_path / "hits.png", "x")
    assert (tmp_path / "hits.png").stat().st_size > 0


def test_an_unknown_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="unknown format of a contact sheet"):
        hits_sheet(hits(1), lambda id: jpeg(9), tmp_path / "hits.svg", "x")
