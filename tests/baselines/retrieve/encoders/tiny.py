"""A folder of open_clip in the layout of BiomedCLIP on model hubs, with random weights of a seed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
WORDS = (*_SPECIAL, "ct", "mri", "with", "a", "mass", "fracture", "rings", "stripes", "speckle", "number")
_TEXT = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
_CONFIG: dict[str, Any] = {
    "embed_dim": 16,
    "vision_cfg": {"timm_model_name": "test_vit", "timm_pool": "token", "timm_proj": "linear", "image_size": 32},
    "text_cfg": {
        "hf_model_name": "microsoft/BiomedNLP-Tiny", "hf_tokenizer_name": "microsoft/BiomedNLP-Tiny",
        "hf_proj_type": "mlp", "hf_pooler_type": "cls_last_hidden_state_pooler", "context_length": 16,
    },
}  # fmt: skip
_IMAGES = {"mean": [0.4, 0.5, 0.6], "std": [0.2, 0.3, 0.25]}


def biomedclip(folder: Path, seed: int = 3) -> Path:
    """Writes the folder: configuration, weights, and the files of the text network that are copied into it."""
    import torch
    from safetensors.torch import save_file
    from transformers import BertConfig, BertTokenizer

    from roco.baselines.contrastive.architecture import create, saved_config

    folder.mkdir()
    BertConfig(vocab_size=len(WORDS), max_position_embeddings=32, **_TEXT).save_pretrained(folder)
    (folder / "vocab.txt").write_text("\n".join(WORDS) + "\n")
    BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    change(folder, "open_clip_config.json", lambda _: {"model_cfg": _CONFIG, "preprocess_cfg": _IMAGES})
    tensors = {name: one.clone() for name, one in create(saved_config(folder), seed=seed).state_dict().items()}
    # Saved by the transformers with which BiomedCLIP was trained.
    tensors["text.transformer.embeddings.position_ids"] = torch.arange(32)[None]
    save_file(tensors, folder / "open_clip_model.safetensors")
    return folder


def change(folder: Path, name: str, changed: Any) -> None:
    """Writes what a function makes of the JSON of a file."""
    file = folder / name
    value = changed(json.loads(file.read_text()) if file.exists() else {})
    file.write_text(json.dumps(value))
