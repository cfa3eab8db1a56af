"""A network of open_clip that a CPU trains in seconds."""

from __future__ import annotations

from typing import Any

CONFIG: dict[str, Any] = {
    "embed_dim": 32,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 64, "head_width": 32, "patch_size": 8},
    "text_cfg": {"context_length": 24, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2},
}
"""1.8 million weights, of which 1.6 million are those of the tokens."""
