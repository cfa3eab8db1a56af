"""Times the data path of `roco train concepts` against torchvision's ImageFolder, and a step of the loop against timm.

`python -m benchmarks.training` prints the section of docs/benchmarks.md.
"""

from __future__ import annotations

import importlib
import itertools
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, TensorDataset

import roco
from benchmarks.load import usable, write_layouts
from roco.base.progress import NullProgress
from roco.baselines.loop import train
from roco.baselines.training.batches import Order, steps
from roco.baselines.training.data import DataFacts
from roco.baselines.training.presets import Preset
from roco.baselines.training.trained import card
from roco.baselines.vision.backbones import network_of
from roco.baselines.vision.cache import Cache
from roco.baselines.vision.data import Labelled, TaskData, open_data
from roco.baselines.vision.items import HAS_CONCEPTS, TrainingItems, collate
from roco.baselines.vision.learner import ConceptLearner
from roco.baselines.vision.network import Network
from roco.baselines.vision.options import ConceptOptions

SIDE, LOAD = 224, 280
BATCH, WORKERS = 32, 2
STEP_SIDE, STEP_BATCH, STEPS, CONCEPTS = 128, 16, 12, 1000
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def training(repeats: int) -> list[str]:
    """Returns the section of docs/benchmarks.md."""
    with tempfile.TemporaryDirectory() as folder:
        lines = data_path(Path(folder), repeats)
    with tempfile.TemporaryDirectory() as folder:
        return lines + step(Path(folder), repeats)


# --- images per second ----------------------------------------------------------------------------------------------


def data_path(root: Path, repeats: int) -> list[str]:
    """Compares epochs over the same real images, loaded to 280 px, flipped, cropped to 224 px and normalised."""
    files = usable()
    n_bytes = write_layouts(root, files)
    zips, loose = (open_data(root / name, ("concepts",)).train for name in ("zips", "loose"))
    cache = Cache.open(root / "cache")
    _epoch(zips, cache)
    peer = _image_folder(root / "loose" / "train_images")
    assert len(peer) == len(zips) == len(files)
    work: dict[str, Callable[[], int]] = {
        "training of roco, from the zip": lambda: _epoch(zips),
        "training of roco, from loose files": lambda: _epoch(loose),
        "training of roco, from its cache": lambda: _epoch(zips, cache),
        "torchvision.datasets.ImageFolder": lambda: _epoch_of_peer(peer),
    }
    before = os.getloadavg()[0]
    seconds: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(repeats):
        for name, do in work.items():
            started = time.perf_counter()
            assert do() == len(files)
            seconds[name].append(time.perf_counter() - started)
    lines = ["", "## Training: images per second", ""]
    lines += [
        f"{len(files):,} real radiology images ({n_bytes / 1e6:.0f} MB), shuffled, loaded to {LOAD} x {LOAD},",
        f"flipped, cropped to {SIDE} x {SIDE} and normalised, in batches of {BATCH} by {WORKERS} workers, in turns.",
        "`roco train` sends 8-bit images to the network, which normalises them; that time is included. ImageFolder has",
        f"the transforms of torchvision. The load of the machine before was {before:.1f} on {os.cpu_count()} cores.",
    ]
    lines += ["", "| | images per second |", "|---|---|"]
    lines += [f"| {name} | {len(files) / statistics.median(times):.0f} |" for name, times in seconds.items()]
    *own, other = seconds
    for name in own:
        ratio = statistics.median(b / a for a, b in zip(seconds[name], seconds[other], strict=True))
        lines += ["", f"`{other}` takes {ratio:.2f} times as long as `{name}`."]
    return lines


def _epoch(labelled: Labelled, cache: Cache | None = None) -> int:
    options = ConceptOptions(image_size=SIDE, batch=BATCH)
    items = TrainingItems(labelled, options, cache)
    order = Order(len(items), BATCH, 1, 0)
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) * 255 for values in (MEAN, STD))
    n = 0
    for micro_batches in steps(items, order, 0, 0, 1, WORKERS):
        for batch, unreadable in micro_batches:
            assert not unreadable
            n += len((batch["image"].float() - mean) / std)
    return n


def _epoch_of_peer(items: Any) -> int:
    loader = DataLoader(items, batch_size=BATCH, shuffle=True, num_workers=WORKERS, prefetch_factor=4)
    return sum(len(images) for images, _ in loader)


def _image_folder(root: Path) -> Any:
    transforms: Any = importlib.import_module("torchvision.transforms")
    chain = transforms.Compose([
        transforms.Resize((LOAD, LOAD)), transforms.RandomHorizontalFlip(), transforms.RandomVerticalFlip(),
        transforms.RandomCrop(SIDE), transforms.ToTensor(), transforms.Normalize(MEAN, STD),
    ])  # fmt: skip
    return importlib.import_module("torchvision.datasets").ImageFolder(root, transform=chain)


# --- one step -------------------------------------------------------------------------------------------------------


class _InMemory:
    """Items that are in memory already, with the labels of concepts."""

    def __init__(self, images: torch.Tensor, flags: torch.Tensor) -> None:
        self.images, self.flags = images, flags

    def __len__(self) -> int:
        return len(self.images)

    def item(self, epoch: int, position: int) -> dict[str, torch.Tensor]:
        known = torch.tensor(1.0)
        return {"image": self.images[position], "concepts": self.flags[position], HAS_CONCEPTS: known}

    def collate(self, items: Sequence[dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
        return collate(items)


class _Clock(NullProgress):
    """Notes when each step was done."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def advance(self, n: int = 1) -> None:
        self.times.append(time.perf_counter())


def step(root: Path, repeats: int) -> list[str]:
    """Compares the median step of EfficientNet-B0 in the loop with that of a bare loop, in turns."""
    rng = np.random.default_rng(0)
    n = STEPS * STEP_BATCH
    images = torch.from_numpy(rng.integers(0, 256, (n, STEP_SIDE, STEP_SIDE, 3), dtype=np.uint8))
    flags = torch.from_numpy((rng.random((n, CONCEPTS)) < 0.003).astype(np.uint8))
    pairs = []
    for number in range(repeats):
        own = _seconds(_our_times(root / str(number), images, flags))
        bare = _seconds(_bare_times(images, flags))
        pairs.append((own, bare))
    own, bare = (statistics.median(values) for values in zip(*pairs, strict=True))
    ratio = statistics.median(a / b for a, b in pairs)
    return [
        "",
        "## Training: one step",
        "",
        f"EfficientNet-B0 at {STEP_SIDE} px with {CONCEPTS:,} concepts, batches of {STEP_BATCH} in memory, Adam,",
        f"32 bits, {torch.get_num_threads()} threads: the median step of the loop of `roco train` takes {own:.3f} s,",
        f"that of a bare loop with timm {bare:.3f} s: {ratio:.3f} times as long (median of {repeats} runs in turns).",
    ]


def _seconds(times: Sequence[float]) -> float:
    """Returns the median step; the first ones warm up."""
    return statistics.median(b - a for a, b in itertools.pairwise(times[2:]))


def _our_times(out: Path, images: torch.Tensor, flags: torch.Tensor) -> list[float]:
    options = ConceptOptions(image_size=STEP_SIDE, batch=STEP_BATCH, epochs=1, workers=0)
    none = np.zeros(0, np.int64)
    facts = DataFacts("memory", "0" * 64, {"train": len(images)}, (), (), {})
    empty: Any = ()
    nothing = Labelled(empty, {}, None, none)
    data = TaskData({"concepts": ("C0000000",) * CONCEPTS}, None, nothing, nothing, None, facts, True)
    learner = ConceptLearner(_network(), data, options)
    clock = _Clock()
    train(
        learner, _InMemory(images, flags), options, out, kind="concepts", preset=Preset("bench", "concepts", "", {}),
        data=facts, card=lambda trained: card("A benchmark", "", trained, {}), progress=clock,
    )  # fmt: skip
    return clock.times


def _bare_times(images: torch.Tensor, flags: torch.Tensor) -> list[float]:
    network = _network()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    loss = torch.nn.MultiLabelSoftMarginLoss()
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) * 255 for values in (MEAN, STD))
    model = torch.nn.Sequential(network.backbone, network.heads["concepts"]).train()
    loader = DataLoader(TensorDataset(images.permute(0, 3, 1, 2), flags), batch_size=STEP_BATCH, shuffle=True)
    times = []
    for batch, of_batch in loader:
        normalised = ((batch.float() - mean) / std).contiguous(memory_format=torch.channels_last)
        loss(model(normalised), of_batch.float()).backward()
        optimizer.step()
        optimizer.zero_grad()
        times.append(time.perf_counter())
    return times


def _network() -> Network:
    return network_of(ConceptOptions(backbone="efficientnet_b0", image_size=STEP_SIDE), {"concepts": CONCEPTS})


def _lines() -> Iterator[str]:
    yield from training(int(os.environ.get("ROCO_BENCH_REPEATS", "3")))


if __name__ == "__main__":
    print(f"roco {roco.__version__}")
    print("\n".join(_lines()))
