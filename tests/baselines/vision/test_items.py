"""Training items are a function of seed, epoch and position."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.neural
torch = pytest.importorskip("torch", reason="pip install '.[dev,dev-neural]'")

from roco.baselines.training.learner import Unreadable  # noqa: E402
from roco.baselines.vision.data import TaskData, open_data  # noqa: E402
from roco.baselines.vision.items import PredictionItems, TrainingItems, prediction_batches  # noqa: E402
from roco.baselines.vision.options import ConceptOptions  # noqa: E402
from roco.baselines.vision.transform import Preparation  # noqa: E402
from tests.baselines.vision.drawn import drawn  # noqa: E402

BROKEN = "x_valid_000002"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> TaskData:
    folder = drawn(tmp_path_factory.mktemp("drawn") / "data", broken=(BROKEN,))
    return open_data(folder, ("concepts", "modality"))


def image(data: TaskData, epoch: int, position: int, **options: Any) -> Any:
    items = TrainingItems(data.train, ConceptOptions(image_size=32, **options))
    item = items.item(epoch, position)
    assert not isinstance(item, Unreadable)
    return item["image"]


def test_seed_epoch_and_position_decide_an_item_and_nothing_else(data: TaskData) -> None:
    assert torch.equal(image(data, 2, 5), image(data, 2, 5))
    assert len({image(data, epoch, 5).numpy().tobytes() for epoch in range(8)}) > 5
    assert len({image(data, 0, 5, seed=seed).numpy().tobytes() for seed in range(8)}) > 5


def test_a_batch_has_images_first_and_channels_last_in_memory(data: TaskData) -> None:
    items = TrainingItems(data.train, ConceptOptions(image_size=32))
    batch = items.collate([items.item(0, position) for position in range(3)])  # type: ignore[misc]
    assert list(batch) == ["image", "modality", "concepts", "has_concepts"]
    assert (batch["image"].shape, batch["image"].dtype) == ((3, 3, 32, 32), torch.uint8)
    assert batch["image"].is_contiguous(memory_format=torch.channels_last)
    assert batch["concepts"].tolist()[2] == [0, 1, 1, 1]
    assert batch["modality"].tolist() == [6, 2, 6]


def test_prediction_batches_are_in_order_and_name_what_cannot_be_read(data: TaskData) -> None:
    items = PredictionItems(data.valid.images, Preparation.of(ConceptOptions(image_size=32)))
    batches = list(prediction_batches(items, 3, 0))
    assert [batch.positions.tolist() for batch in batches] == [[0, 2], [3, 4, 5], [6, 7]]
    assert [one.id for batch in batches for one in batch.unreadable] == [BROKEN]
    assert batches[0].images is not None and batches[0].images.shape == (2, 3, 32, 32)
