"""A folder of transformers is asked without a network; no code of it runs, and no pickle is read."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="pip install '.[dev,dev-neural]'")
pytest.importorskip("transformers", reason="pip install '.[dev,dev-neural]'")

from roco.base.errors import DataError, MissingExtra, UsageError  # noqa: E402
from roco.baselines.retrieve.grounding import local_folder, model  # noqa: E402
from roco.baselines.retrieve.grounding.local import local_model  # noqa: E402
from roco.baselines.retrieve.grounding.prompt import build_prompt  # noqa: E402
from tests.baselines.captioner import folders  # noqa: E402
from tests.baselines.retrieve.grounding.material import hit  # noqa: E402
from tests.conftest import once  # noqa: E402

pytestmark = pytest.mark.neural

MESSAGES = build_prompt("What is it?", [hit("CT of the liver.")]).messages()


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random GPT-2 of 4,096 positions, without a chat template."""
    return once(tmp_path_factory, "chat-model", lambda folder: folders.decoder(folder, n_positions=4096))


@pytest.fixture
def folder(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(local_folder, "MOST_TOKENS", 12)
    return shutil.copytree(original, tmp_path / "model")


def change(path: Path, **values: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_a_random_model_answers_the_same_each_time(folder: Path) -> None:
    reply = local_model(folder).ask(MESSAGES)
    assert reply.text and (reply.model, reply.is_truncated) == ("model", True)
    assert local_model(folder, temperature=0).ask(MESSAGES) == reply
    varied = local_model(folder, temperature=2)
    assert varied.ask(MESSAGES) == varied.ask(MESSAGES) != reply


def test_a_failure_of_the_network_is_one_line(folder: Path) -> None:
    """Divided by so small a temperature, the logits are infinite."""
    with pytest.raises(DataError, match="the model does not answer: ") as caught:
        local_model(folder, temperature=1e-45).ask(MESSAGES)
    assert caught.value.message.isprintable()


def test_the_chat_template_of_the_folder_formats_the_messages(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    template = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}<assistant>"
    change(folder / "tokenizer_config.json", chat_template=template)
    opened = local_model(folder)
    opened.ask(MESSAGES)
    _, tokenizer = opened._loaded  # type: ignore[attr-defined]
    text = tokenizer.decode(opened._tokens(tokenizer, MESSAGES)[0])  # type: ignore[attr-defined]
    assert text == f"<system>{MESSAGES[0]['content']}<user>{MESSAGES[1]['content']}<assistant>"


def test_a_chat_template_without_a_system_role_gets_the_rules_with_the_question(folder: Path) -> None:
    template = (
        "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system') }}{% endif %}"
        "<{{ m.role }}>{{ m.content }}{% endfor %}"
    )
    change(folder / "tokenizer_config.json", chat_template=template)
    opened = local_model(folder)
    opened.ask(MESSAGES)
    _, tokenizer = opened._loaded  # type: ignore[attr-defined]
    text = tokenizer.decode(opened._tokens(tokenizer, MESSAGES)[0])  # type: ignore[attr-defined]
    assert text == f"<user>{MESSAGES[0]['content']}\n\n{MESSAGES[1]['content']}"


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ messages[0].content }}{% for x in range(9) %}",
        "{{ raise_exception('no system role\n\x1b[2J') }}",
    ],
)
def test_a_chat_template_that_fails_or_breaks_out_is_one_line(folder: Path, template: str) -> None:
    change(folder / "tokenizer_config.json", chat_template=template)
    with pytest.raises(DataError, match=r"the chat template of .* fails") as caught:
        local_model(folder).ask(MESSAGES)
    assert caught.value.message.isprintable()


def test_a_prompt_that_the_model_cannot_read_is_refused(tmp_path: Path) -> None:
    small = folders.decoder(tmp_path / "small", n_positions=64)
    with pytest.raises(DataError, match=r"the prompt has [\d,]+ tokens, and the model reads 64") as caught:
        local_model(small).ask(MESSAGES)
    assert "-n 2" in caught.value.hint


def test_no_code_of_the_folder_runs(folder: Path, tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    code = f"open({str(marker)!r}, 'w').close()\n"
    (folder / "custom_generate").mkdir()
    (folder / "custom_generate" / "generate.py").write_text(f"{code}def generate(*a, **k): {code}")
    (folder / "modeling.py").write_text(f"{code}class Model: pass\n")
    local_model(folder).ask(MESSAGES)
    change(folder / "config.json", auto_map={"AutoModelForCausalLM": "modeling.Model"})
    local_model(folder).ask(MESSAGES)
    change(folder / "config.json", model_type="unheard-of", auto_map={"AutoConfig": "modeling.Model"})
    with pytest.raises(DataError, match="cannot load the model"):
        local_model(folder).ask(MESSAGES)
    assert not marker.exists()


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json", "generation_config.json"])
@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff" * 100, b'{"model_type": 7}'])
def test_a_corrupt_file_is_one_line(folder: Path, name: str, content: bytes) -> None:
    (folder / name).write_bytes(content)
    try:
        local_model(folder).ask(MESSAGES)
    except DataError as err:
        assert err.message.isprintable() and err.hint
    else:
        assert name == "generation_config.json"  # transformers goes on without it


def test_a_folder_with_pickles_or_without_a_model_is_refused(folder: Path, tmp_path: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(UsageError, match=r"only as pytorch_model\.bin: roco reads no pickles"):
        local_model(folder)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="contains no model"):
        local_model(tmp_path / "empty")


def test_missing_weights_are_refused(folder: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    weights.pop(next(name for name in weights if name.endswith("attn.c_attn.weight")))
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(DataError, match="lacks weights, such as"):
        local_model(folder).ask(MESSAGES)


def test_an_answer_that_ends_is_not_truncated(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = local_model(folder)
    first.ask(MESSAGES)
    network, tokenizer = first._loaded  # type: ignore[attr-defined]
    length = first._tokens(tokenizer, MESSAGES).shape[1]  # type: ignore[attr-defined]
    tokens = network.generate(first._tokens(tokenizer, MESSAGES), max_new_tokens=3, do_sample=False, pad_token_id=0)  # type: ignore[attr-defined]
    change(folder / "generation_config.json", eos_token_id=int(tokens[0, length + 2]))
    assert not local_model(folder).ask(MESSAGES).is_truncated


def test_a_missing_package_is_an_error_with_its_pip_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(MissingExtra, match="transformers is not installed") as caught:
        local_model(folder)
    assert caught.value.hint.startswith("pip install '.[answer]'") and model.MOST_TOKENS > 12
