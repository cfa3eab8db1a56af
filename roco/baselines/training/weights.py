"""The weights of a training: the model on its device, its optimiser, its average, the best ones; their checkpoints."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list

from roco.base.errors import DataError
from roco.baselines.training.averaging import Average
from roco.baselines.training.optimizers import optimizer_of
from roco.baselines.training.options import LoopOptions
from roco.baselines.training.state import Reached, State
from roco.baselines.training.tensors import joined_state, load_tensors, save_tensors, split_state


class Weights:
    """The weights of one process.

    model: as it is trained, divided among processes; own: the same without that wrapping. best: the weights of the best
    epoch on the CPU, until a checkpoint has them.
    """

    def __init__(self, accelerator: Accelerator, model: torch.nn.Module, options: LoopOptions) -> None:
        self.accelerator = accelerator
        self.average = Average(model, options.averaging) if options.averaging else None
        self.best: dict[str, torch.Tensor] | None = None
        self.model, self.optimizer = accelerator.prepare(model, optimizer_of(model, options))
        self.own = accelerator.unwrap_model(self.model)
        if self.average is not None:
            self.average.values = {name: value.to(accelerator.device) for name, value in self.average.values.items()}

    def averaged(self) -> None:
        """Takes the weights after a step into their average, if there is one."""
        if self.average is not None:
            self.average.update(self.own)

    def keep(self, model: torch.nn.Module) -> None:
        """Keeps weights as the best so far."""
        self.best = {name: value.detach().cpu().clone() for name, value in model.state_dict().items()}

    @property
    def parameters(self) -> tuple[int, int]:
        """Returns how many weights are trained, and how many there are."""
        sizes = [(weight.numel(), weight.requires_grad) for weight in self.own.parameters()]
        return sum(size for size, is_trained in sizes if is_trained), sum(size for size, _ in sizes)

    def resume(self, state: State | None) -> Reached:
        """Loads the last checkpoint, if there is one; returns how far the training is."""
        found: list[Any] = [state.last() if state is not None else None]
        if self.accelerator.num_processes > 1:
            broadcast_object_list(found)
        if found[0] is None:
            return Reached()
        folder, reached = found[0]
        self._load(self.own, folder / "model.safetensors")
        tensors = load_tensors(folder / "optimizer.safetensors")
        self.optimizer.load_state_dict(joined_state(tensors, reached.optimizer))
        if self.average is not None:
            self.average.steps = reached.average_steps
            for name, value in load_tensors(folder / "average.safetensors").items():
                self.average.values[name].copy_(value)
        if self.accelerator.scaler is not None and reached.scaler:
            self.accelerator.scaler.load_state_dict(reached.scaler)
        return reached  # type: ignore[no-any-return]

    def save(self, state: State, reached: Reached) -> None:
        """Writes a checkpoint; only the main process calls this."""
        tensors, reached.optimizer = split_state(self.optimizer.state_dict())
        reached.average_steps = self.average.steps if self.average else 0
        scaler = self.accelerator.scaler
        reached.scaler = scaler.state_dict() if scaler is not None else {}
        if self.best is not None:
            reached.best_file = f"best-{reached.best_step:08}.safetensors"
            save_tensors(state.folder / reached.best_file, self.best)
            self.best = None  # it is on the disk now
        with state.checkpoint(reached) as folder:
            save_tensors(folder / "model.safetensors", self.own.state_dict())
            save_tensors(folder / "optimizer.safetensors", tensors)
            if self.average is not None:
                save_tensors(folder / "average.safetensors", self.average.values)

    def _load(self, model: torch.nn.Module, path: Path) -> None:
        try:
            model.load_state_dict(load_tensors(path))
        except RuntimeError as err:
            raise DataError(f"{path} is of another model", f"remove {path.parent.parent} to begin again") from err

    @contextlib.contextmanager
    def scored(self) -> Iterator[torch.nn.Module]:
        """Yields the model as it is scored and written: in evaluation mode, with the average if there is one."""
        self.own.eval()
        with self.average.applied(self.own) if self.average is not None else contextlib.nullcontext():
            yield self.own

    @contextlib.contextmanager
    def final(self, state: State, reached: Reached) -> Iterator[torch.nn.Module]:
        """Yields the model that is written: that of the best epoch, or of the last step if nothing was scored."""
        if self.best is None and not reached.best_file:
            with self.scored() as model:
                yield model
            return
        if self.best is not None:
            self.own.load_state_dict(self.best)
        else:
            self._load(self.own, state.folder / reached.best_file)
        self.own.eval()
        yield self.own
