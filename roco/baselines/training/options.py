"""The options of the training loop; each trainer adds its own."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin, get_type_hints

from roco.base.errors import UsageError, nearest
from roco.base.terminal import excerpt

Optimizer = Literal["adam", "adamw", "sgd", "rmsprop", "adafactor"]
Schedule = Literal["constant", "linear", "cosine"]
Precision = Literal["auto", "no", "fp16", "bf16"]
Tracker = Literal["", "tensorboard", "wandb"]

_LEAST = {"epochs": 1, "batch": 1, "accumulate": 1, "patience": 0, "seed": 0, "save_every": 0, "workers": 0}
_MOST = {"seed": 2**63 - 1, "workers": 256}
_LEAST |= {"lr": 0, "weight_decay": 0, "clip_norm": 0}


@dataclass(frozen=True, kw_only=True)
class LoopOptions:
    """What the training loop does, whatever it trains.

    batch: images of one backward pass, of all processes together. accumulate: backward passes of one step. lr:
    learning rate; 0 with adafactor lets it choose its own. schedule: of the learning rate, after warmup, a share of
    all steps. clip_norm: greatest norm of the gradient; 0 does not clip. averaging: decay of the moving average of
    the weights, which is then what is scored and written; 0 keeps none. precision: auto is fp16 on a GPU and 32
    bits on a CPU. patience: epochs without a better score after which training ends; 0 trains all epochs.
    save_every: steps between two checkpoints; 0 saves one a minute, of large models less often. workers: processes
    that decode images. tracker: a further log.
    """

    epochs: int = 20
    batch: int = 32
    accumulate: int = 1
    optimizer: Optimizer = "adam"
    lr: float = 1e-3
    weight_decay: float = 0.0
    schedule: Schedule = "constant"
    warmup: float = 0.0
    clip_norm: float = 0.0
    averaging: float = 0.0
    precision: Precision = "auto"
    patience: int = 0
    seed: int = 0
    save_every: int = 0
    workers: int = 2
    tracker: Tracker = ""

    def __post_init__(self) -> None:
        for name, least in _LEAST.items():
            if getattr(self, name) < least:
                raise UsageError(f"{name} = {getattr(self, name)}", f"write at least {least}")
        for name, most in _MOST.items():
            if getattr(self, name) > most:
                raise UsageError(f"{name} = {getattr(self, name)}", f"write at most {most}")
        for name in ("warmup", "averaging"):
            if not 0 <= getattr(self, name) < 1:
                raise UsageError(f"{name} = {getattr(self, name)}", "write a number from 0 to less than 1")


WITHOUT_EFFECT = ("save_every", "workers", "tracker")
"""Options that change no weight: training may be resumed with others."""


def fields_of(options: type) -> dict[str, Any]:
    """Returns the type of each option of a trainer."""
    hints = get_type_hints(options)
    return {field.name: hints[field.name] for field in dataclasses.fields(options)}


def checked(options: type, name: str, value: Any, where: str) -> Any:
    """Returns the value of an option as its type; raises UsageError for an unknown name or a value of another type.

    Text, as on the command line, is converted. where: named in the error, such as a preset.
    """
    kinds = fields_of(options)
    if name not in kinds:
        raise UsageError(f"unknown option '{excerpt(name)}' ({where})", nearest(name, kinds))
    kind = kinds[name]
    if get_origin(kind) is Literal:
        if value not in get_args(kind):
            known = [choice for choice in get_args(kind) if choice]
            raise UsageError(f"{name} = {excerpt(repr(value))} ({where})", nearest(str(value), known))
        return value
    converted = _converted(kind, value)
    if converted is None:
        expected = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}.get(kind, "a list")
        raise UsageError(f"{name} = {excerpt(repr(value))} ({where})", f"write {expected}")
    return converted


def _converted(kind: Any, value: Any) -> Any:
    """Returns a value of a type; None if it is none."""
    if get_origin(kind) is tuple:
        parts = value.split(",") if isinstance(value, str) else value
        if not isinstance(parts, list | tuple):
            parts = [parts]  # a single value
        (of, *_) = get_args(kind)
        items = tuple(_converted(of, part.strip() if isinstance(part, str) else part) for part in parts)
        return None if None in items else items
    if kind is bool:
        return {"true": True, "false": False, True: True, False: False}.get(value)
    if kind is str:
        return value if isinstance(value, str) else None
    if isinstance(value, bool):
        return None
    try:
        if kind is int and isinstance(value, float):
            return int(value) if value.is_integer() else None
        number = kind(value)
        return number if math.isfinite(number) else None
    except (TypeError, ValueError, OverflowError):
        return None
