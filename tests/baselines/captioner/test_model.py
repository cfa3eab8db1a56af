"""The network of a captioner: what is trained, what is configured, what it may be made of."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.neural
torch = pytest.importorskip("torch", reason="pip install '.[dev,dev-neural]'")

from roco.base.errors import UsageError  # noqa: E402
from roco.baselines.captioner.generate import Writer  # noqa: E402
from roco.baselines.captioner.items import CaptionItems  # noqa: E402
from roco.baselines.captioner.learner import CaptionLearner  # noqa: E402
from roco.baselines.captioner.model import CROSS_ATTENTION, Captioner, design  # noqa: E402
from roco.baselines.captioner.options import CaptionOptions  # noqa: E402
from roco.baselines.captioner.pixels import Preparation  # noqa: E402
from roco.baselines.captioner.tokens import IGNORED, Tokens, labels_of  # noqa: E402
from tests.baselines.captioner import folders  # noqa: E402

TEXTS = ["Axial CT of the liver.", "Ultrasound of the left kidney, with a cyst."]
SMALL: dict[str, Any] = {
    "size": 32, "encoder_hidden": 32, "encoder_layers": 1, "encoder_heads": 2, "decoder_hidden": 24,
    "decoder_layers": 1, "decoder_heads": 2, "context": 64, "max_tokens": 64, "vocabulary": 300, "dropout": 0.0,
}  # fmt: skip


def learner(tmp_path: Path | None = None, **changes: Any) -> CaptionLearner:
    """A captioner from scratch, or with the decoder of a folder of the GPT-2 kind."""
    options = CaptionOptions(**(SMALL | changes))
    if tmp_path is None:
        tokens = Tokens.learn(TEXTS, options.vocabulary)
    else:
        options = CaptionOptions(**(SMALL | {"decoder": str(folders.decoder(tmp_path / "gpt2"))} | changes))
        tokens = Tokens.open(tmp_path / "gpt2", "gpt2")
    preparation = Preparation(32, "squash")
    model = Captioner(design(options, tokens).build(0), tokens.start, tokens.pad, preparation)
    return CaptionLearner(model, tokens, preparation, options, None)


def batch(tokens: Tokens, texts: list[str], images: int = 0) -> dict[str, torch.Tensor]:
    labels, _ = labels_of(tokens.encode(texts, 64).tokens)
    pixels = np.random.default_rng(0).integers(0, 255, (len(texts), 3, 32, 32), np.uint8)
    return {"image": torch.from_numpy(pixels), "labels": torch.from_numpy(labels), "present": torch.ones(len(texts))}


def loss(trained: CaptionLearner, found: dict[str, torch.Tensor]) -> float:
    return float(trained.model(found)["caption"].detach())


@pytest.mark.parametrize("pretrained", [False, True])
def test_every_weight_is_trained_also_those_of_the_cross_attention(tmp_path: Path, pretrained: bool) -> None:
    trained = learner(tmp_path if pretrained else None)
    before = {name: value.detach().clone() for name, value in trained.model.named_parameters()}
    assert any(part in name for name in before for part in CROSS_ATTENTION)
    optimizer = torch.optim.SGD(trained.model.parameters(), lr=1.0)
    trained.model(batch(trained.tokens, TEXTS))["caption"].backward()
    assert all(value.requires_grad and value.grad is not None for value in trained.model.parameters())
    optimizer.step()
    for name, value in trained.model.named_parameters():
        # Adding a constant to all keys of an attention changes nothing, so that their bias has no gradient.
        if "key.bias" not in name and "k_proj.bias" not in name:
            assert not torch.equal(value, before[name]), name


@pytest.mark.parametrize("pretrained", [False, True])
def test_the_special_tokens_are_in_both_configurations(tmp_path: Path, pretrained: bool) -> None:
    trained = learner(tmp_path if pretrained else None, max_tokens=40)
    network, tokens = trained.model.network, trained.tokens
    for config in (network.config, network.generation_config):
        assert config.pad_token_id == tokens.pad
        assert config.bos_token_id == config.decoder_start_token_id == tokens.start
        assert config.eos_token_id == tokens.end
        assert config.vocab_size == network.config.decoder.vocab_size == tokens.size
    # transformers 5 refuses max_length in the configuration of a model. The start token is counted.
    assert network.generation_config.max_length == 41


def test_the_encoder_has_no_pooling_layer(tmp_path: Path) -> None:
    options = CaptionOptions(**(SMALL | {"encoder": str(folders.encoder(tmp_path / "vit"))}))
    for chosen in (options, CaptionOptions(**SMALL)):
        network = design(chosen, Tokens.learn(TEXTS, 300)).build(0)
        assert not [name for name, _ in network.named_parameters() if "pooler" in name]


@pytest.mark.parametrize(("hidden", "has_projection"), [(32, False), (24, True)])
def test_a_projection_exists_only_between_different_sizes(hidden: int, has_projection: bool) -> None:
    names = [name for name, _ in learner(decoder_hidden=hidden).model.named_parameters()]
    assert any("enc_to_dec_proj" in name for name in names) == has_projection


def test_the_loss_is_the_sum_over_the_tokens_and_counts_them(tmp_path: Path) -> None:
    trained = learner(tmp_path)
    both = batch(trained.tokens, TEXTS)
    one_by_one = 0.0
    for number, text in enumerate(TEXTS):
        single = batch(trained.tokens, [text]) | {"image": both["image"][number : number + 1]}
        one_by_one += loss(trained, single)
    # The end token of the shorter caption counts although it is the padding token, and its padding does not.
    assert loss(trained, both) == pytest.approx(one_by_one, rel=1e-5)
    n = sum(len(ids) for ids in trained.tokens.encode(TEXTS, 64).tokens)
    assert trained.counts(both) == {"caption": n}
    assert int((both["labels"] == trained.tokens.end).sum()) == len(TEXTS)


def test_padding_items_count_in_no_loss() -> None:
    trained = learner()
    both = batch(trained.tokens, TEXTS)
    single = {name: value[:1] for name, value in both.items()}
    padded = both | {"present": torch.tensor([1.0, 0.0])}
    assert trained.counts(padded) == trained.counts(single)
    assert loss(trained, padded) == pytest.approx(loss(trained, single), rel=1e-5)
    nothing = trained.model(both | {"present": torch.zeros(2)})["caption"]
    assert float(nothing.detach()) == 0 and nothing.requires_grad


def test_padding_of_a_batch_is_ignored() -> None:
    class Black:
        def __len__(self) -> int:
            return 2

    tokens = Tokens.learn(TEXTS, 300)
    encoded = tokens.encode(TEXTS, 64).tokens
    items = CaptionItems(Black(), encoded, Preparation(32, "squash"))  # type: ignore[arg-type]
    found = [{"image": torch.zeros(3, 32, 32, dtype=torch.uint8), "tokens": torch.from_numpy(items.tokens(n))}
             for n in range(2)]  # fmt: skip
    labels = items.collate(found)["labels"]
    assert [int((row != IGNORED).sum()) for row in labels] == [len(ids) for ids in encoded]


def test_beams_and_lengths_of_generated_captions_are_those_of_the_options() -> None:
    trained = learner(beams=3, new_tokens=7, no_repeat=2, length_penalty=0.5)
    settings = trained.model.network.generation_config
    assert (settings.num_beams, settings.max_length, settings.no_repeat_ngram_size) == (3, 8, 2)
    assert (settings.length_penalty, settings.do_sample) == (0.5, False)
    images = batch(trained.tokens, TEXTS)["image"]
    network = trained.model.network.eval()
    for ids in network.generate(pixel_values=trained.model.normalized(images))[:, 1:].tolist():
        assert len(ids) <= 7
        twos = [two for two in itertools.pairwise(ids) if trained.tokens.pad not in two]
        assert len(twos) == len(set(twos))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_positions": 32}, "captions of 64 tokens exceed the 32 of"),
        ({"vocab_size": 10}, "the tokenizer of .* has .* tokens, its weights have 10"),
    ],
)
def test_decoders_that_do_not_fit_are_refused(tmp_path: Path, changes: dict[str, int], message: str) -> None:
    folder = folders.decoder(tmp_path / "gpt2", **changes)
    options = CaptionOptions(**(SMALL | {"decoder": str(folder)}))
    with pytest.raises(UsageError, match=message):
        design(options, Tokens.open(folder, "gpt2"))


def test_a_decoder_without_cross_attention_is_refused(tmp_path: Path) -> None:
    from transformers import LlamaConfig

    folder = folders.decoder(tmp_path / "llama")
    LlamaConfig(vocab_size=300, hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1,
                num_key_value_heads=1).save_pretrained(folder)  # fmt: skip
    options = CaptionOptions(**(SMALL | {"decoder": str(folder)}))
    with pytest.raises(UsageError, match=r"\(llama\) has no cross-attention"):
        design(options, Tokens.open(folder, "llama"))


def test_encoders_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    encoder, decoder = folders.encoder(tmp_path / "vit"), folders.decoder(tmp_path / "gpt2")
    tokens = Tokens.learn(TEXTS, 300)
    with pytest.raises(UsageError, match="takes images of 32 px"):
        design(CaptionOptions(**(SMALL | {"encoder": str(encoder), "size": 64})), tokens)
    with pytest.raises(UsageError, match=r"is no image encoder \(gpt2\)"):
        design(CaptionOptions(**(SMALL | {"encoder": str(decoder)})), tokens)


@pytest.mark.slow
def test_a_bert_decoder_writes_captions_too(tmp_path: Path) -> None:
    from transformers import BertConfig, BertLMHeadModel

    folder = folders.decoder(tmp_path / "bert")
    tokens = Tokens.open(folder, "bert")
    BertLMHeadModel(
        BertConfig(vocab_size=tokens.size, hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
                   intermediate_size=16, is_decoder=True)
    ).save_pretrained(folder)  # fmt: skip
    options = CaptionOptions(**(SMALL | {"decoder": str(folder)}))
    model = Captioner(design(options, tokens).build(0), tokens.start, tokens.pad, Preparation(32, "squash"))
    trained = CaptionLearner(model, tokens, Preparation(32, "squash"), options, None)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    model.train()
    for _ in range(80):
        loss = model(batch(tokens, TEXTS))["caption"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    images = batch(tokens, TEXTS)["image"]
    found = Writer(model.eval(), trained.tokens, Preparation(32, "squash"), 2, 1, torch.device("cpu")).write(images)
    assert [one.caption for one in found] == TEXTS and all(one.ended for one in found)
