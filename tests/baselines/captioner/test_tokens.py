"""Captions as tokens, and the labels of a loss."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.neural
torch = pytest.importorskip("torch", reason="pip install '.[dev,dev-neural]'")

from roco.base.errors import DataError  # noqa: E402
from roco.baselines.captioner.tokens import IGNORED, Tokens, labels_of  # noqa: E402
from tests.baselines.captioner import folders  # noqa: E402

TEXTS = ["Axial CT of the liver.", "Ultrasound of the left kidney, with a cyst of 3.5 cm.", "µ-opioid – “x” ½"]


def gpt2(folder: Path) -> Tokens:
    return Tokens.open(folders.decoder(folder), "gpt2")


def test_a_caption_ends_with_its_end_token_which_counts_in_the_loss(tmp_path: Path) -> None:
    tokens = gpt2(tmp_path)
    # The decoder has no padding token of its own: the end token serves, and masking it by its id would lose the end.
    assert tokens.pad == tokens.end == tokens.start
    encoded = tokens.encode(TEXTS, 100).tokens
    assert all(ids[-1] == tokens.end for ids in encoded)
    labels, mask = labels_of(encoded)
    for row, ids in enumerate(encoded):
        assert labels[row, : len(ids)].tolist() == ids.tolist()
        assert mask[row].sum() == len(ids)
        assert set(labels[row, len(ids) :].tolist()) <= {IGNORED}
    assert (labels == tokens.end).sum() == len(TEXTS)


def test_longer_captions_are_truncated_and_counted_and_do_not_end(tmp_path: Path) -> None:
    tokens = gpt2(tmp_path)
    n = len(tokens.encode(TEXTS[:1], 1000).tokens[0])
    assert tokens.encode(TEXTS[:1], n).truncated == 0
    short, truncated = tokens.encode([TEXTS[0], TEXTS[0][:5], TEXTS[1]], n - 1)
    assert truncated == 2
    assert len(short[0]) == n - 1 and tokens.end not in short[0]


def test_captions_are_stripped_and_survive_encoding(tmp_path: Path) -> None:
    tokens = Tokens.learn(TEXTS, 400)
    plain, spaced = tokens.encode(TEXTS, 200), tokens.encode([f"  {text}\n" for text in TEXTS], 200)
    assert [ids.tolist() for ids in plain.tokens] == [ids.tolist() for ids in spaced.tokens]
    decoded = [tokens.decode(ids.tolist()) for ids in plain.tokens]
    assert decoded == [(text, True) for text in TEXTS]
    assert tokens.decode(plain.tokens[0].tolist()[:-1]) == (TEXTS[0], False)
    # What follows the end, as in a batch in which another caption is longer, is no part of the caption.
    assert tokens.decode([*plain.tokens[0].tolist(), tokens.pad, tokens.pad]) == (TEXTS[0], True)


def test_a_saved_tokenizer_gives_the_same_tokens(tmp_path: Path) -> None:
    tokens = Tokens.learn(TEXTS, 400)
    tokens.save(tmp_path)
    opened = Tokens.open(tmp_path, "scratch")
    assert (opened.start, opened.end, opened.pad, opened.size) == (tokens.start, tokens.end, tokens.pad, tokens.size)
    assert len({tokens.start, tokens.end, tokens.pad}) == 3
    for one, other in zip(tokens.encode(TEXTS, 99).tokens, opened.encode(TEXTS, 99).tokens, strict=True):
        assert one.tolist() == other.tolist()


@pytest.mark.slow
def test_the_same_captions_give_the_same_tokenizer_in_every_process(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from roco.baselines.captioner.tokens import Tokens;"
        "from tests.baselines.captioner.pairs import pairs;"
        "Tokens.learn([caption for _, caption in pairs()] * 3, 500).save(Path(sys.argv[1]))"
    )
    found = []
    for seed in ("1", "2"):
        environment = os.environ | {"PYTHONHASHSEED": seed}
        subprocess.run([sys.executable, "-c", code, str(tmp_path / seed)], check=True, env=environment)
        found.append((tmp_path / seed / "tokenizer.json").read_bytes())
    assert found[0] == found[1]


def test_a_folder_without_a_tokenizer_is_one_line(tmp_path: Path) -> None:
    folder = folders.decoder(tmp_path)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).unlink()
    with pytest.raises(DataError, match="gpt2 has no tokenizer"):
        Tokens.open(folder, "gpt2")
