"""The contrastive loss is that of open_clip, in one process or several, and padding is no negative."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.neural
torch = pytest.importorskip("torch", reason="pip install '.[dev,dev-neural]'")

from roco.baselines.contrastive.architecture import create, read_config  # noqa: E402
from roco.baselines.contrastive.network import LARGEST_SCALE, LOSS, Contrastive, contrastive  # noqa: E402
from tests.baselines.contrastive.tiny import architecture  # noqa: E402

ROOT = Path(__file__).parents[3]


def vectors(n: int, seed: int = 0) -> tuple[Any, Any]:
    generator = torch.Generator().manual_seed(seed)
    return tuple(torch.nn.functional.normalize(torch.randn(n, 8, generator=generator), dim=1) for _ in range(2))


@pytest.mark.parametrize("n", [1, 2, 7])
@pytest.mark.parametrize("bias", [None, -3.0])
def test_the_sum_of_the_loss_is_open_clips_mean_times_the_pairs(n: int, bias: float | None) -> None:
    import open_clip

    images, texts = vectors(n)
    scale = torch.tensor(14.3)
    offset = None if bias is None else torch.tensor(bias)
    expected = open_clip.ClipLoss()(images, texts, scale, logit_bias=offset)
    assert torch.allclose(contrastive(images, texts, scale, offset), expected * n, atol=1e-5)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Contrastive:
    return Contrastive(create(read_config(architecture(tmp_path_factory.mktemp("config")))), 0.2).eval()


def batch(n: int, present: list[float] | None = None) -> dict[str, Any]:
    generator = torch.Generator().manual_seed(3)
    return {
        "image": torch.randint(0, 256, (n, 3, 32, 32), generator=generator, dtype=torch.uint8),
        "text": torch.randint(1, 40_000, (n, 24), generator=generator),
        "present": torch.tensor(present or [1.0] * n),
    }


@torch.no_grad()
def test_padding_is_neither_counted_nor_a_negative(network: Contrastive) -> None:
    whole = batch(5)
    alone = {name: value[[0, 2, 4]] for name, value in whole.items()}
    padded = whole | {"present": torch.tensor([1.0, 0, 1, 0, 1])}
    assert float(network(padded)[LOSS]) == pytest.approx(float(network(alone)[LOSS]), abs=1e-5)
    assert float(network(padded)[LOSS]) < float(network(whole)[LOSS]) - 0.1
    assert float(network(batch(2, [0.0, 0.0]))[LOSS]) == 0


def test_the_temperature_starts_as_asked_and_stays_in_the_limits_of_open_clip(network: Contrastive) -> None:
    assert float(network.clip.logit_scale.detach().exp()) == pytest.approx(5, abs=1e-4)
    with torch.no_grad():
        network.clip.logit_scale.fill_(9.0)
        network(batch(2))
    assert float(network.clip.logit_scale.detach()) == pytest.approx(LARGEST_SCALE)


def test_biases_gains_and_the_temperature_do_not_decay(network: Contrastive) -> None:
    from roco.baselines.contrastive.options import ClipOptions
    from roco.baselines.training.optimizers import optimizer_of

    groups = optimizer_of(network, ClipOptions(optimizer="adamw", weight_decay=0.3)).param_groups
    decays = {id(weight): group["weight_decay"] for group in groups for weight in group["params"]}
    assert {weight.ndim > 1: decays[id(weight)] for weight in network.parameters()} == {True: 0.3, False: 0.0}
    assert decays[id(network.clip.logit_scale)] == 0 and decays[id(network.clip.token_embedding.weight)] == 0.3
    assert len(decays) == len(list(network.parameters()))


@pytest.mark.slow
@pytest.mark.parametrize("shares", [(3, 4), (1, 6), (0, 5)])
def test_two_processes_have_the_loss_and_gradients_of_one(tmp_path: Path, shares: tuple[int, int]) -> None:
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, __file__, str(tmp_path)]
    workers = [
        subprocess.Popen([*command, str(rank), *map(str, shares)], env=environment, cwd=ROOT) for rank in range(2)
    ]
    assert [worker.wait(timeout=120) for worker in workers] == [0, 0]
    images, texts = (one.requires_grad_() for one in vectors(sum(shares)))
    loss = contrastive(images, texts, torch.tensor(14.3))
    loss.backward()
    found = [json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(2)]
    assert sum(one["loss"] for one in found) == pytest.approx(float(loss.detach()), abs=1e-4)
    for name, expected in (("images", images.grad), ("texts", texts.grad)):
        rows = torch.tensor([row for one in found for row in one[name]])
        assert torch.allclose(rows, expected, atol=1e-5)


def worker(folder: Path, rank: int, shares: tuple[int, int]) -> None:
    """One of two processes: its share of the pairs, its loss, the gradients of its vectors."""
    torch.set_num_threads(1)
    address = (folder / "meeting").as_uri()
    torch.distributed.init_process_group("gloo", init_method=address, rank=rank, world_size=2)
    first = sum(shares[:rank])
    images, texts = (one[first : first + shares[rank]].clone().requires_grad_() for one in vectors(sum(shares)))
    loss = contrastive(images, texts, torch.tensor(14.3))
    loss.backward()
    entry = {"loss": float(loss.detach()), "images": images.grad.tolist(), "texts": texts.grad.tolist()}
    (folder / f"{rank}.json").write_text(json.dumps(entry))
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    worker(Path(sys.argv[1]), int(sys.argv[2]), (int(sys.argv[3]), int(sys.argv[4])))
