"""Training pairs depend on seed, epoch and position alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.neural
torch = pytest.importorskip("torch", reason="pip install '.[dev,dev-neural]'")

from roco.baselines.contrastive.data import open_pairs  # noqa: E402
from roco.baselines.contrastive.items import PairItems, cropped  # noqa: E402
from roco.baselines.contrastive.options import ClipOptions  # noqa: E402
from roco.baselines.training.learner import Unreadable  # noqa: E402
from tests.baselines.contrastive.tiny import release  # noqa: E402


def ramp(height: int, width: int) -> Any:
    """Brighter from left to right, so that a flip is seen."""
    return np.repeat(np.linspace(0, 250, width).astype(np.uint8)[None], height, 0)


def test_crops_keep_the_share_of_the_area_and_are_never_flipped() -> None:
    pixels = ramp(60, 90)
    shares = []
    for seed in range(200):
        crop = cropped(pixels, 32, 0.5, np.random.default_rng(seed)).astype(float)
        assert crop.shape == (32, 32)
        columns = crop.mean(0)
        assert (np.diff(columns) >= 0).all()  # not flipped
        shares.append((columns[-1] - columns[0]) / 250)
    assert min(shares) > 0.4 and max(shares) <= 1  # the narrowest of 3:4 with half of the area is 0.5 of the width
    assert max(shares) - min(shares) > 0.2


def test_without_crops_the_middle_is_read() -> None:
    pixels = ramp(32, 48)
    assert np.array_equal(cropped(pixels, 32, 1, np.random.default_rng(0)), pixels[:, 8:40])


def test_an_item_depends_on_seed_epoch_and_position(tmp_path: Path) -> None:
    pairs = open_pairs(release(tmp_path / "data"), False, 0)
    tokens = np.arange(32 * 4, dtype=np.int32).reshape(32, 4)
    items = PairItems(pairs.images, tokens, 32, ClipOptions(crop=0.5))
    again = PairItems(pairs.images, tokens, 32, ClipOptions(crop=0.5))
    other = PairItems(pairs.images, tokens, 32, ClipOptions(crop=0.5, seed=1))

    def image(source: PairItems, epoch: int, position: int) -> Any:
        item = source.item(epoch, position)
        assert isinstance(item, dict) and item["text"].tolist() == tokens[position].tolist()
        return item["image"].numpy()

    again.item(0, 5)
    assert np.array_equal(image(items, 2, 3), image(again, 2, 3))
    assert not np.array_equal(image(items, 2, 3), image(items, 1, 3))
    assert not np.array_equal(image(items, 2, 3), image(other, 2, 3))
    batch = items.collate([items.item(0, 0), items.item(0, 1)])  # type: ignore[list-item]
    assert batch["image"].shape == (2, 3, 32, 32) and batch["image"].dtype == torch.uint8
    assert batch["text"].dtype == torch.int64


def test_an_image_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    broken = "ROCOv2_2023_train_000002"
    pairs = open_pairs(release(tmp_path / "data", broken=[broken]), False, 0)
    item = PairItems(pairs.images, np.zeros((32, 4), np.int32), 32, ClipOptions()).item(0, 2)
    assert isinstance(item, Unreadable) and item.id == broken


def test_the_pool_is_chosen_as_the_evaluation_chooses_it(tmp_path: Path) -> None:
    from roco.evaluate.retrieval import _choose_pool

    data = release(tmp_path / "data", without=["ROCOv2_2023_valid_000001"])
    whole, some = open_pairs(data, False, 0).pool, open_pairs(data, False, 5).pool
    assert whole is not None and some is not None
    assert tuple(some.ids) == _choose_pool(tuple(whole.ids), 5)
    assert len(whole.ids) == 8 and whole.rows.tolist() == [0, 2, 3, 4, 5, 6, 7]  # the row without image is ranked
    assert open_pairs(data, True, 0).pool is None
