"""The one training loop: it trains concepts, captions and contrastive models, and fine-tunes filters and labellers.

Everything random is a function of the seed and of the number of the step or item: a training that was killed goes on
from its last checkpoint to the same weights, bit by bit on the same machine, whatever the number of workers.
"""

from __future__ import annotations

import contextlib
import datetime
import math
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator, DistributedDataParallelKwargs, InitProcessGroupKwargs
from accelerate.state import AcceleratorState
from accelerate.utils import broadcast_object_list

from roco.base.errors import DataError, UsageError
from roco.base.files import write_json, write_text
from roco.base.progress import NullProgress, Progress
from roco.baselines.training.batches import Loaded, Order, steps
from roco.baselines.training.data import DataFacts
from roco.baselines.training.folder import CARD, CURVES, LOG, MANIFEST, writing
from roco.baselines.training.learner import Items, Learner
from roco.baselines.training.log import Log, curves
from roco.baselines.training.losses import Losses
from roco.baselines.training.optimizers import learning_rate, set_learning_rate
from roco.baselines.training.options import WITHOUT_EFFECT, LoopOptions
from roco.baselines.training.presets import Preset, provenance
from roco.baselines.training.state import Reached, State
from roco.baselines.training.trained import Trained
from roco.baselines.training.weights import Weights

SECONDS_BETWEEN_CHECKPOINTS = 60
"""Without `save_every`, a checkpoint is written once a minute. When it is written does not change the weights."""

LARGEST_SHARE = 1 / 20
"""Of the time, that writing checkpoints may take; those of a large model are written less often."""


def train(
    learner: Learner,
    items: Items,
    options: LoopOptions,
    out: Path,
    *,
    kind: str,
    preset: Preset,
    data: DataFacts,
    card: Callable[[Trained], str],
    further: Mapping[str, Any] | None = None,
    skip_unreadable: bool = False,
    progress: Progress | None = None,
) -> Trained:
    """Trains a learner and writes the folder of its model; goes on where an earlier call was interrupted.

    further: what else determines the weights, for the check whether a checkpoint may be used. skip_unreadable: images
    that cannot be read are skipped and reported; by default the first one ends training, which can then be resumed,
    also with skip_unreadable.
    Raises UsageError if `out` exists, and DataError for an unreadable image, a loss that is not finite, a full disk.
    """
    session = _Session(learner, items, options, progress or NullProgress(), skip_unreadable)
    settings = {
        "kind": kind, "data": data.digest, "items": len(items), "processes": session.processes,
        "options": {name: value for name, value in asdict(options).items() if name not in WITHOUT_EFFECT},
        "further": dict(further or {}),
    }  # fmt: skip
    # Only the main process writes; it sends the others the step that was reached.
    with State.opened(out, settings) if session.is_main else contextlib.nullcontext() as state:
        reached = session.weights.resume(state)
        session.refuse_skipped(reached)
        reached.sessions += 1
        session.run(state, reached, out.name)
        trained = Trained(
            kind=kind, preset=preset.name, settings=provenance(options, preset), data=data, step=reached.step,
            epochs=-(-reached.step // session.order.steps), best_step=reached.best_step or reached.step,
            scores=reached.best_scores or reached.scores, seconds=reached.seconds, sessions=reached.sessions,
            items=reached.items, parameters=session.weights.parameters, processes=session.processes,
            device=str(session.accelerator.device), unreadable=tuple(reached.unreadable),
        )  # fmt: skip
        if state is not None:
            _write(session, state, reached, trained, out, kind, card)
            state.remove()
        session.accelerator.wait_for_everyone()
    return trained


class _Session:
    """One process that trains."""

    def __init__(
        self, learner: Learner, items: Items, options: LoopOptions, progress: Progress, skip_unreadable: bool
    ) -> None:
        # Scoring on one process may take long, while the others wait.
        patient = InitProcessGroupKwargs(timeout=datetime.timedelta(hours=12))
        precision = options.precision
        if precision == "auto":
            precision = "fp16" if torch.cuda.is_available() else "no"
        # accelerate keeps the precision of the first training in a process, and refuses another one.
        AcceleratorState._reset_state()
        self.accelerator = Accelerator(
            mixed_precision=precision, kwargs_handlers=[patient, DistributedDataParallelKwargs()]
        )
        self.learner, self.items, self.options = learner, items, options
        self.progress, self.skip_unreadable = progress, skip_unreadable
        self.order = Order(len(items), options.batch, options.accumulate, options.seed)
        self.weights = Weights(self.accelerator, learner.model, options)

    @property
    def processes(self) -> int:
        return int(self.accelerator.num_processes)

    @property
    def is_main(self) -> bool:
        return bool(self.accelerator.is_main_process)

    # --- training ----------------------------------------------------------------------------------------------------

    def run(self, state: State | None, reached: Reached, name: str) -> None:
        """Trains from where the training is to its end."""
        options, per_epoch = self.options, self.order.steps
        log = Log(state.log, reached.step, options.tracker, name) if state is not None else None
        loaded = steps(
            self.items, self.order, *divmod(reached.step, per_epoch), options.epochs, options.workers,
            int(self.accelerator.process_index), self.processes,
        )  # fmt: skip
        total = per_epoch * options.epochs
        self.progress.start("training steps", total, reached.step)
        losses = Losses(log, per_epoch, self.learner.weights)
        saved = started = time.monotonic()
        wait = float(SECONDS_BETWEEN_CHECKPOINTS)
        while reached.step < total and not self._is_patient(reached):
            micro_batches = next(loaded)
            self._refuse_unreadable(micro_batches, reached)
            losses.add(reached.step + 1, self._step(micro_batches, reached.step, total))
            reached.step += 1
            reached.items += sum(int(one.batch["present"].sum()) for one in micro_batches) * self.processes
            self.progress.advance()
            ends_epoch = reached.step % per_epoch == 0
            if ends_epoch:
                losses.flush()
                self._score(reached, log)
            if state is not None and self._is_due(reached.step, time.monotonic() - saved > wait):
                losses.flush()
                reached.seconds, started = _added(reached.seconds, started)
                self.weights.save(state, reached)
                saved = time.monotonic()
                wait = max(SECONDS_BETWEEN_CHECKPOINTS, (saved - started) / LARGEST_SHARE)
        losses.flush()
        reached.seconds, _ = _added(reached.seconds, started)
        self.weights.model.eval()

    def _is_due(self, step: int, is_time: bool) -> bool:
        """Returns whether a checkpoint is written after a step."""
        return step % self.options.save_every == 0 if self.options.save_every else is_time

    def _is_patient(self, reached: Reached) -> bool:
        """Returns whether training ends early; every process knows the scores."""
        return bool(self.options.patience) and reached.waited >= self.options.patience

    def _step(self, micro_batches: list[Loaded], step: int, total: int) -> dict[str, torch.Tensor]:
        """Does one step; returns the losses of its items, of all processes, as sums and counts on the device."""
        options, device = self.options, self.accelerator.device
        set_learning_rate(self.weights.optimizer, learning_rate(options, step, total))
        # What a dropout draws depends on the step and the process only, so nothing random has to be stored.
        (seed,) = np.random.SeedSequence([options.seed, step, self.accelerator.process_index]).generate_state(
            1, np.uint64
        )
        torch.manual_seed(int(seed))
        model, optimizer = self.weights.model, self.weights.optimizer
        model.train()
        counts = self._counts(micro_batches)
        sums = {name: torch.zeros((), device=device) for name in counts}
        for number, (batch, _) in enumerate(micro_batches):
            is_last = number == len(micro_batches) - 1
            with contextlib.nullcontext() if is_last else self.accelerator.no_sync(model):
                on_device = {name: value.to(device, non_blocking=True) for name, value in batch.items()}
                losses = model(on_device)
                # DistributedDataParallel takes the mean of the gradients of all processes, not their sum.
                loss = sum(
                    self.learner.weights[name] * value * (self.processes / max(1.0, counts[name]))
                    for name, value in losses.items()
                )
                self.accelerator.backward(loss)
                for name, value in losses.items():
                    sums[name] += value.detach()
        if options.clip_norm:
            self.accelerator.clip_grad_norm_(model.parameters(), options.clip_norm)
        optimizer.step()
        optimizer.zero_grad()
        self.weights.averaged()
        if self.processes > 1:
            sums = {name: self.accelerator.reduce(value, "sum") for name, value in sums.items()}
        return {name: value / max(1.0, counts[name]) for name, value in sums.items()}

    def _counts(self, micro_batches: list[Loaded]) -> dict[str, float]:
        """Returns the number of labels of each loss in a step, of all its micro-batches and processes."""
        counts = dict.fromkeys(self.learner.weights, 0.0)
        for batch, _ in micro_batches:
            for name, value in self.learner.counts(batch).items():
                counts[name] += float(value)
        if self.processes > 1:
            own = torch.tensor(list(counts.values()), dtype=torch.float64, device=self.accelerator.device)
            counts = dict(zip(counts, self.accelerator.reduce(own, "sum").tolist(), strict=True))
        return counts

    def refuse_skipped(self, reached: Reached) -> None:
        """Raises UsageError if images were skipped before, which only skip_unreadable allows."""
        if reached.unreadable and not self.skip_unreadable:
            what = f"this training was begun with --skip-unreadable, and has skipped image '{reached.unreadable[0]}'"
            raise UsageError(what, "add --skip-unreadable, or choose another folder to train with the image")

    def _refuse_unreadable(self, micro_batches: list[Loaded], reached: Reached) -> None:
        for one in (image for _, unreadable in micro_batches for image in unreadable):
            if not self.skip_unreadable:
                what = f"image '{one.id}' cannot be read at step {reached.step + 1:,}: {one.what}"
                raise DataError(what, f"{one.hint}; then run the same command again")
            if one.id not in reached.unreadable:
                reached.unreadable.append(one.id)

    # --- scores ------------------------------------------------------------------------------------------------------

    def _score(self, reached: Reached, log: Log | None) -> None:
        """Scores the model at the end of an epoch; keeps its weights if they are the best so far."""
        scores: dict[str, float] = {}
        best = self.learner.best
        if log is not None:
            with self.weights.scored() as model, torch.no_grad(), self.accelerator.autocast():
                scores = dict(self.learner.score(model, self.accelerator.device))
                is_best = bool(best) and best in scores and _is_better(scores[best], reached.best)
                if is_best:
                    self.weights.keep(model)
            reached.scores = scores
            reached.waited = 0 if is_best else reached.waited + 1
            if is_best:
                reached.best, reached.best_step, reached.best_scores = scores[best], reached.step, scores
            log.add(reached.step, reached.step // self.order.steps, {f"valid.{k}": v for k, v in scores.items()})
        if self.processes > 1:
            waited = [reached.waited]
            broadcast_object_list(waited)
            reached.waited = waited[0]


def _added(seconds: float, started: float) -> tuple[float, float]:
    """Returns seconds with those since `started`, and the time from which to count on."""
    now = time.monotonic()
    return seconds + now - started, now


def _is_better(score: float, best: float | None) -> bool:
    return math.isfinite(score) and (best is None or score > best)


def _write(
    session: _Session, state: State, reached: Reached, trained: Trained, out: Path, kind: str,
    card: Callable[[Trained], str],
) -> None:  # fmt: skip
    """Writes the folder of the model: weights, log, curves, manifest, card."""
    values: dict[str, Any] = {}
    with session.weights.final(state, reached) as model, writing(out, kind, values) as folder:
        values |= session.learner.save(model, folder)
        shutil.copyfile(state.log, folder / LOG)
        curves(folder / LOG, folder / CURVES)
        write_json(folder / MANIFEST, trained.manifest())
        write_text(folder / CARD, card(trained))
