"""The optional libraries that compute metrics, and the extra that installs each."""

from __future__ import annotations

import importlib
from typing import Any, NamedTuple

from roco.base.errors import MissingExtra


class Library(NamedTuple):
    """A distribution on PyPI, the module that is imported from it, and the extra of roco that installs it."""

    name: str
    module: str
    extra: str

    def load(self) -> Any:
        """Imports the module; raises MissingExtra if the library is not installed."""
        return load(self, self.module)


ROUGE_SCORE = Library("rouge-score", "rouge_score.rouge_scorer", "text")
PYCOCOEVALCAP = Library("pycocoevalcap", "pycocoevalcap", "text")
SACREBLEU = Library("sacrebleu", "sacrebleu.metrics.bleu", "text")
BERT_SCORE = Library("bert-score", "bert_score.utils", "neural")
TORCH = Library("torch", "torch", "neural")
TRANSFORMERS = Library("transformers", "transformers", "neural")
HUGGINGFACE_HUB = Library("huggingface-hub", "huggingface_hub", "neural")


def load(library: Library, module: str) -> Any:
    """Imports a module of a library; raises MissingExtra if the library is not installed."""
    try:
        return importlib.import_module(module)
    except ImportError as err:
        raise MissingExtra(library.name, library.extra) from err
