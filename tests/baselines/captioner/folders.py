"""Folders of a small encoder and a small decoder of the GPT-2 kind, as save_pretrained writes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

END = "<|endoftext|>"


def encoder(folder: Path, **changes: Any) -> Path:
    """A ViT with a pooling layer, as the one of the paper has, and a processor with a mean of its own."""
    import torch
    from transformers import ViTConfig, ViTModel

    torch.manual_seed(0)
    sizes: dict[str, Any] = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "image_size": 32}
    sizes |= {"intermediate_size": 64, "patch_size": 16}
    ViTModel(ViTConfig(**(sizes | changes))).save_pretrained(folder)
    entry = {"image_mean": [0.4, 0.5, 0.6], "image_std": [0.2, 0.25, 0.3]}
    (folder / "preprocessor_config.json").write_text(json.dumps(entry))
    return folder


def decoder(folder: Path, texts: tuple[str, ...] = ("A chest radiograph.",), **changes: Any) -> Path:
    """A GPT-2 without cross-attention, whose tokenizer has a single special token, as that of GPT-2."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bpe.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=300, special_tokens=[END], initial_alphabet=alphabet, show_progress=False
    )  # fmt: skip
    bpe.train_from_iterator(texts, trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=bpe, bos_token=END, eos_token=END)
    tokenizer.save_pretrained(folder)
    torch.manual_seed(1)
    sizes: dict[str, Any] = {"n_embd": 24, "n_layer": 1, "n_head": 2, "n_positions": 64, "vocab_size": len(tokenizer)}
    sizes |= {"bos_token_id": 0, "eos_token_id": 0}
    GPT2LMHeadModel(GPT2Config(**(sizes | changes))).save_pretrained(folder)
    return folder
