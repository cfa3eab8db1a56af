"""Loading, flipping and cropping of images."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from roco.base.errors import RejectedInput, UsageError
from roco.baselines.vision.options import ConceptOptions
from roco.baselines.vision.transform import Augment, Loading, Preparation, center, three_channels

GRID = np.arange(40 * 40, dtype=np.uint32).reshape(40, 40)


def jpeg(width: int, height: int, mode: str = "L") -> bytes:
    out = io.BytesIO()
    ramp = np.linspace(0, 255, width)[None, :] * np.ones((height, 1))
    Image.fromarray(ramp.astype(np.uint8)).convert(mode).save(out, "JPEG")
    return out.getvalue()


def test_squash_gives_a_square_and_short_side_keeps_the_shape() -> None:
    assert Loading(40, "squash").load(jpeg(200, 100)).shape == (40, 40)
    assert Loading(40, "squash").load(jpeg(200, 100, "RGB")).shape == (40, 40, 3)
    assert Loading(40, "short-side").load(jpeg(200, 100)).shape == (40, 80)
    assert Loading(40, "short-side").load(jpeg(30, 90)).shape == (120, 40)


def test_of_a_very_long_image_the_middle_is_loaded() -> None:
    pixels = Loading(40, "short-side").load(jpeg(1000, 50))
    assert pixels.shape == (40, 160)
    assert 90 < pixels[:, 0].mean() < pixels[:, -1].mean() < 165


def test_an_image_that_does_not_decode_is_rejected() -> None:
    with pytest.raises(RejectedInput, match="truncated"):
        Loading(40, "squash").load(jpeg(200, 100)[:-100])


def test_the_same_generator_gives_the_same_view_and_others_give_others() -> None:
    views = [Augment(32, True, True)(GRID, np.random.default_rng([0, 1, n])) for n in (0, 0, *range(1, 40))]
    assert np.array_equal(views[0], views[1])
    assert len({view.tobytes() for view in views}) > 20
    assert all(view.shape == (32, 32) for view in views)


def test_crops_reach_every_border() -> None:
    corners = [Augment(32, False, False)(GRID, np.random.default_rng(n))[0, 0] for n in range(600)]
    rows, columns = np.divmod(np.array(corners), 40)
    assert set(rows) == set(columns) == set(range(9))


def test_a_switch_changes_nothing_but_itself() -> None:
    for n in range(20):
        with_flips = Augment(32, True, True)(GRID, np.random.default_rng(n))
        without = Augment(32, True, False)(GRID, np.random.default_rng(n))
        assert np.array_equal(np.sort(with_flips[:, 0]), np.sort(without[:, 0])) or not np.array_equal(
            with_flips, without
        )
    flipped = [Augment(40, False, True)(GRID, np.random.default_rng(n))[0, 0] != 0 for n in range(200)]
    assert 60 < sum(flipped) < 140


def test_the_middle_or_all_of_an_image_is_predicted() -> None:
    assert np.array_equal(center(GRID, 32), GRID[4:36, 4:36])
    middle = Preparation.of(ConceptOptions(image_size=224))
    assert (middle.load_size, middle.prediction) == (280, Loading(280, "squash"))
    whole = Preparation.of(ConceptOptions(image_size=224, view="whole", resize="short-side"))
    assert whole.prediction == Loading(224, "squash")
    assert whole.training == Loading(280, "short-side")
    assert middle.predicted(np.zeros((280, 280), np.uint8)).shape == (224, 224, 3)


def test_grey_images_get_three_equal_channels() -> None:
    grey = np.arange(9, dtype=np.uint8).reshape(3, 3)
    assert np.array_equal(three_channels(grey)[..., 2], grey)
    assert three_channels(np.zeros((3, 3, 3), np.uint8)[:, ::-1]).flags.c_contiguous


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"drop_rate": 1.5}, "drop_rate = 1.5"), ({"image_size": 8}, "image_size = 8"),
        ({"load_scale": 0.5}, "load_scale"), ({"threshold": 2.0}, "threshold"),
        ({"tasks": ("concepts", "concepts")}, "tasks"), ({"tasks": ()}, "tasks"),
        ({"loss_weights": ("concept=2",)}, "unknown task 'concept'"),
        ({"loss_weights": ("concepts=much",)}, "loss_weights = concepts=much"),
        ({"loss_weights": ("concepts=-1",)}, "loss_weights"), ({"loss_weights": ("concepts",)}, "loss_weights"),
    ],
)  # fmt: skip
def test_impossible_options_are_errors(changes: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ConceptOptions(**changes)  # type: ignore[arg-type]


def test_the_weight_of_a_task_is_1_unless_it_is_given() -> None:
    options = ConceptOptions(tasks=("concepts", "modality"), loss_weights=("modality=0.5",))
    assert options.weight_of_task() == {"concepts": 1.0, "modality": 0.5}
