"""The order of items: every item once an epoch, in equal steps, divided among processes."""

from __future__ import annotations

import itertools

import pytest

pytestmark = pytest.mark.neural
pytest.importorskip("torch", reason="pip install '.[dev,dev-neural]'")


@pytest.mark.parametrize("n", [1, 2, 7, 64, 65, 257])
@pytest.mark.parametrize(("batch", "accumulate"), [(1, 1), (8, 1), (4, 2), (3, 5)])
@pytest.mark.parametrize("processes", [1, 2, 3])
def test_every_item_is_seen_once_an_epoch(n: int, batch: int, accumulate: int, processes: int) -> None:
    from roco.baselines.training.batches import PADDING, Order

    order = Order(n, batch, accumulate, 5)
    seen: list[int] = []
    sizes = []
    for step in range(order.steps):
        shares = [order.step(2, step, rank, processes) for rank in range(processes)]
        assert len({len(share) for share in shares}) == 1  # every process takes part in every micro-batch
        own = [position for share in shares for micro in share for position in micro if position != PADDING]
        assert all(len(micro) <= batch for share in shares for micro in share)
        seen += own
        sizes.append(len(own))
    assert sorted(seen) == list(range(n))
    assert max(sizes) - min(sizes) <= 1 and max(sizes) <= batch * accumulate


def test_epochs_have_different_orders_and_the_same_epoch_the_same() -> None:
    from roco.baselines.training.batches import Order

    order = Order(40, 8, 1, 5)
    assert order.step(0, 0) != order.step(1, 0)
    assert order.step(0, 0) == Order(40, 8, 1, 5).step(0, 0)


def test_the_iterator_of_a_resumed_training_goes_on_with_the_same_steps() -> None:
    from roco.baselines.training.batches import Order

    order = Order(21, 4, 2, 0)
    whole = list(order.from_step(0, 0, 3, 0, 2))
    assert list(order.from_step(1, 2, 3, 0, 2)) == whole[order.steps + 2 :]


def test_the_average_of_weights_follows_its_formula() -> None:
    import torch

    from roco.baselines.training.averaging import Average

    model = torch.nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        model.weight.fill_(0.0)
        average = Average(model, 0.5)
        model.weight.fill_(1.0)
        average.update(model)  # keeps min(0.5, 1 / 10) of 0
        assert average.values["weight"].item() == pytest.approx(0.9)
        average.update(model)  # keeps 2 / 11 of 0.9
        assert average.values["weight"].item() == pytest.approx(0.9 * 2 / 11 + 9 / 11)
        with average.applied(model):
            assert model.weight.item() == average.values["weight"].item()
        assert model.weight.item() == 1.0


def test_the_learning_rate_rises_and_falls_to_zero() -> None:
    from roco.baselines.training.optimizers import learning_rate
    from roco.baselines.training.options import LoopOptions

    options = LoopOptions(lr=1.0, warmup=0.2, schedule="cosine")
    rates = [learning_rate(options, step, 10) for step in range(10)]
    assert rates[:3] == [0.5, 1.0, 1.0] and rates[-1] < 0.05
    assert all(earlier >= later for earlier, later in itertools.pairwise(rates[2:]))
    line = LoopOptions(lr=1.0, schedule="linear")
    assert [learning_rate(line, step, 4) for step in range(4)] == [1.0, 0.75, 0.5, 0.25]
    assert {learning_rate(LoopOptions(lr=0.1), step, 10) for step in range(10)} == {0.1}
