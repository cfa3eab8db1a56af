"""The training loop: what a kill, a broken image, a full disk or a second process changes, which is nothing."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from roco.base.errors import Busy, DataError, UsageError

pytestmark = pytest.mark.neural
torch = pytest.importorskip("torch", reason="pip install '.[dev,dev-neural]'")

ROOT = Path(__file__).parents[2]


# On GPUs this is `accelerate launch`; for several processes on a CPU that would need MPI.
TWO = ("torch.distributed.run", "--standalone", "--nproc_per_node", "2", "-m")


def process(out: Path, *words: str, launcher: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", *launcher, "tests.baselines.training.tiny", str(out), *words]
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true"}
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment)


def weights(folder: Path) -> bytes:
    return (folder / "model.safetensors").read_bytes()


def logged(folder: Path, name: str = "loss") -> list[float]:
    with (folder / "log.csv").open() as file:
        return [float(row["value"]) for row in csv.DictReader(file) if row["name"] == name]


def run(out: Path, *arguments: Any, **options: Any) -> Any:
    from tests.baselines.training import tiny

    return tiny.run(out, *arguments, **options)


def interrupt(out: Path, **options: Any) -> None:
    """Ends a training in its sixth step, at an image that cannot be read."""
    from roco.baselines.training.batches import Order
    from tests.baselines.training.tiny import Drawn

    broken = Order(50, 8, 1, 0).step(0, 5)[0][0]
    with pytest.raises(DataError, match="at step 6"):
        run(out, None, Drawn(broken=[broken]), **options)


SAVING = ("save_every=4", "averaging=0.9")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("undisturbed") / "out"
    assert process(out, *SAVING).returncode == 0
    return out


@pytest.mark.slow
@pytest.mark.parametrize("kill", [3, 17])
def test_a_training_that_was_killed_goes_on_to_the_same_weights_and_log(
    tmp_path: Path, undisturbed: Path, kill: int
) -> None:
    killed = process(tmp_path / "out", *SAVING, f"kill={kill}")
    assert killed.returncode == -9 and not (tmp_path / "out").exists()
    resumed = process(tmp_path / "out", *SAVING)
    assert resumed.returncode == 0, resumed.stderr
    assert weights(tmp_path / "out") == weights(undisturbed)
    assert (tmp_path / "out" / "log.csv").read_text() == (undisturbed / "log.csv").read_text()
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["time"]["sessions"] == (2 if kill > 4 else 1)  # before the first checkpoint, nothing is resumed
    assert not (tmp_path / "out.training").exists()


@pytest.mark.slow
@pytest.mark.parametrize("words", [(), ("accumulate=2", "batch=4")])
def test_two_processes_give_the_losses_of_one(tmp_path: Path, words: tuple[str, ...]) -> None:
    words = (*words, "dropout=0.0")
    assert process(tmp_path / "one", *words).returncode == 0
    two = process(tmp_path / "two", *words, launcher=TWO)
    assert two.returncode == 0, two.stderr
    assert json.loads((tmp_path / "two" / "manifest.json").read_text())["hardware"]["processes"] == 2
    assert logged(tmp_path / "two") == pytest.approx(logged(tmp_path / "one"), abs=1e-6)


def test_the_number_of_workers_changes_no_weight(tmp_path: Path) -> None:
    run(tmp_path / "none", workers=0)
    run(tmp_path / "two", workers=2)
    assert weights(tmp_path / "none") == weights(tmp_path / "two")


def test_accumulated_batches_are_one_large_batch(tmp_path: Path) -> None:
    from tests.baselines.training.tiny import Tiny

    run(tmp_path / "one", Tiny(dropout=0), batch=8)
    run(tmp_path / "two", Tiny(dropout=0), batch=4, accumulate=2)
    assert logged(tmp_path / "one") == pytest.approx(logged(tmp_path / "two"), abs=1e-6)


def test_trainings_of_one_program_may_have_different_precisions(tmp_path: Path) -> None:
    run(tmp_path / "16", precision="bf16", epochs=1)
    run(tmp_path / "32", precision="no", epochs=1)
    assert logged(tmp_path / "16") != logged(tmp_path / "32")
    run(tmp_path / "again", precision="bf16", epochs=1)
    assert logged(tmp_path / "16") == logged(tmp_path / "again")


def test_another_seed_gives_other_weights(tmp_path: Path) -> None:
    run(tmp_path / "a", seed=0)
    run(tmp_path / "b", seed=1)
    assert weights(tmp_path / "a") != weights(tmp_path / "b")


def test_the_loss_of_a_step_is_the_mean_over_its_items(tmp_path: Path) -> None:
    from tests.baselines.training.tiny import Drawn, Tiny

    tiny = Tiny(dropout=0)
    items = Drawn(6)
    batch = items.collate([items.item(0, position) for position in range(6)])
    batch["present"] = torch.ones(6)
    with torch.no_grad():
        expected = float(tiny.model(batch)["sign"]) / 6
    run(tmp_path / "out", Tiny(dropout=0), items, epochs=1, batch=6)
    assert logged(tmp_path / "out") == pytest.approx([expected], abs=1e-6)


def test_the_weights_are_those_of_the_best_epoch(tmp_path: Path) -> None:
    from roco.baselines.training.tensors import load_tensors
    from tests.baselines.training.tiny import Tiny

    class Worse(Tiny):
        """Its scores fall after the second epoch."""

        epoch = 0
        kept: dict[str, Any] = {}

        def score(self, model: Any, device: Any) -> Any:
            self.epoch += 1
            if self.epoch == 2:
                self.kept = {name: value.clone() for name, value in model.state_dict().items()}
            return {"accuracy": [0.5, 0.9, 0.7, 0.6][self.epoch - 1]}

    learner = Worse()
    trained = run(tmp_path / "out", learner)
    assert (trained.best_step, trained.scores) == (14, {"accuracy": 0.9})
    written = load_tensors(tmp_path / "out" / "model.safetensors")
    assert all(torch.equal(written[name], value) for name, value in learner.kept.items())


def test_training_ends_early_if_the_score_does_not_rise(tmp_path: Path) -> None:
    from tests.baselines.training.tiny import Tiny

    class Constant(Tiny):
        def score(self, model: Any, device: Any) -> Any:
            return {"accuracy": 0.5}

    trained = run(tmp_path / "out", Constant(), epochs=9, patience=2)
    assert trained.epochs == 3


def test_an_unreadable_image_ends_training_in_one_line_and_it_can_go_on(tmp_path: Path) -> None:
    from tests.baselines.training.tiny import Drawn

    with pytest.raises(DataError, match=r"image 'image-7' cannot be read at step .*: corrupt JPEG") as err:
        run(tmp_path / "out", None, Drawn(broken=[7]), save_every=1)
    assert "--skip-unreadable" in err.value.hint and not (tmp_path / "out").exists()
    run(tmp_path / "out", save_every=1)  # the file was restored
    run(tmp_path / "undisturbed", save_every=1)
    assert weights(tmp_path / "out") == weights(tmp_path / "undisturbed")


@pytest.mark.parametrize("workers", [0, 2])
def test_unreadable_images_can_be_skipped_and_are_reported(tmp_path: Path, workers: int) -> None:
    from tests.baselines.training.tiny import Drawn

    trained = run(tmp_path / "out", None, Drawn(broken=[7, 20]), skip=True, workers=workers, epochs=2)
    assert sorted(trained.unreadable) == ["image-20", "image-7"] and trained.items == 96
    assert "2 unreadable images, skipped" in (tmp_path / "out" / "README.md").read_text()


def test_a_training_that_skipped_an_image_goes_on_only_with_skipping(tmp_path: Path) -> None:
    from roco.baselines.training.batches import Order
    from tests.baselines.training.tiny import Drawn

    first, last = (Order(50, 8, 1, 0).step(0, step)[0][0] for step in (1, 5))

    class Interrupted(Drawn):
        def item(self, epoch: int, position: int) -> Any:
            if position == last:
                raise KeyboardInterrupt
            return super().item(epoch, position)

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "out", None, Interrupted(broken=[first]), skip=True, save_every=1)
    with pytest.raises(UsageError, match=f"has skipped image 'image-{first}'") as err:
        run(tmp_path / "out", None, Drawn(broken=[first]), save_every=1)
    assert "--skip-unreadable" in err.value.hint and not (tmp_path / "out").exists()
    assert run(tmp_path / "out", None, Drawn(broken=[first]), skip=True).unreadable == (f"image-{first}",)


def test_a_dataset_without_a_readable_image_is_an_error(tmp_path: Path) -> None:
    from tests.baselines.training.tiny import Drawn

    with pytest.raises(DataError, match="none of the images can be read"):
        run(tmp_path / "out", None, Drawn(4, broken=range(4)), skip=True)


def test_a_loss_that_is_not_finite_is_an_error_that_names_the_step(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the loss is not finite at step"):
        run(tmp_path / "out", optimizer="sgd", lr=1e30)
    assert not (tmp_path / "out").exists()


def test_the_state_of_other_settings_is_not_continued(tmp_path: Path) -> None:
    interrupt(tmp_path / "out")
    with pytest.raises(UsageError, match="begun with batch = 8, not 4") as err:
        run(tmp_path / "out", batch=4)
    assert "out.training" in err.value.hint
    run(tmp_path / "out", workers=1)  # which changes no weight


def test_a_model_is_not_overwritten(tmp_path: Path) -> None:
    run(tmp_path / "out", epochs=1)
    with pytest.raises(UsageError, match="already exists"):
        run(tmp_path / "out", epochs=1)


def test_two_processes_do_not_train_in_one_folder(tmp_path: Path) -> None:
    code = "import fcntl, sys, time; f = open(sys.argv[1], 'w'); fcntl.lockf(f, fcntl.LOCK_EX); "
    code += "print(1, flush=True); time.sleep(99)"
    folder = tmp_path / "out.training"
    folder.mkdir()
    with subprocess.Popen([sys.executable, "-c", code, str(folder / "lock")], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None and other.stdout.read(1) == b"1"
        with pytest.raises(Busy, match="another process is training in"):
            run(tmp_path / "out")
        other.kill()
    run(tmp_path / "out", epochs=1)


def test_a_full_disk_at_a_checkpoint_is_one_line_and_training_goes_on_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename, calls = os.rename, []

    def full(source: Any, target: Any) -> None:
        calls.append(target)
        if len(calls) == 3:
            raise OSError(28, "No space left on device", str(source))
        rename(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(os, "rename", full)
        with pytest.raises(DataError, match=r"no space left on the disk: cannot write .*step-00000012") as err:
            run(tmp_path / "out", save_every=4)
    assert "run the same command again" in err.value.hint
    assert [path.name for path in (tmp_path / "out.training").glob("*step-*")] == ["step-00000008"]
    run(tmp_path / "out", save_every=4)
    run(tmp_path / "undisturbed", save_every=4)
    assert weights(tmp_path / "out") == weights(tmp_path / "undisturbed")


def test_weights_that_do_not_fit_on_the_disk_are_the_same_error(tmp_path: Path) -> None:
    code = (
        "import resource, sys; from pathlib import Path; import torch\n"
        "from roco.baselines.training.tensors import save_tensors\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "try: save_tensors(Path(sys.argv[1]), {'w': torch.zeros(1000)})\n"
        "except Exception as err: print(type(err).__name__, err)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path / "w.safetensors")], capture_output=True, text=True)
    assert done.stdout.startswith("DataError file too large: cannot write"), done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_corrupt_checkpoint_is_named(tmp_path: Path) -> None:
    interrupt(tmp_path / "out", save_every=1)
    (step,) = (tmp_path / "out.training").glob("step-*")
    (step / "model.safetensors").write_bytes(b"\xff" * 100)
    with pytest.raises(DataError, match=r"model\.safetensors cannot be read"):
        run(tmp_path / "out", save_every=1)


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "sgd", "rmsprop", "adafactor"])
def test_every_optimizer_resumes_to_the_same_weights(tmp_path: Path, optimizer: str) -> None:
    options = {"optimizer": optimizer, "lr": 0 if optimizer == "adafactor" else 0.01, "schedule": "cosine"}
    run(tmp_path / "undisturbed", save_every=2, warmup=0.2, clip_norm=1.0, **options)
    interrupt(tmp_path / "out", save_every=2, warmup=0.2, clip_norm=1.0, **options)
    run(tmp_path / "out", save_every=2, warmup=0.2, clip_norm=1.0, **options)
    assert weights(tmp_path / "out") == weights(tmp_path / "undisturbed")


def test_a_worker_that_was_killed_is_one_line_and_training_goes_on_later(tmp_path: Path) -> None:
    from tests.baselines.training.tiny import Drawn

    class Killed(Drawn):
        """Its worker is killed at the tenth image, as by a system that is short of memory."""

        def item(self, epoch: int, position: int) -> Any:
            if position == 10:
                os.kill(os.getpid(), signal.SIGKILL)
            return super().item(epoch, position)

    with pytest.raises(DataError, match="a process that decodes images was killed") as err:
        run(tmp_path / "out", None, Killed(), workers=1, save_every=1)
    assert err.value.hint == "use fewer workers, and run the same command again"
    run(tmp_path / "out", workers=0, save_every=1)
    run(tmp_path / "undisturbed", workers=0)
    assert weights(tmp_path / "out") == weights(tmp_path / "undisturbed")


def test_an_interruption_by_the_terminal_leaves_the_workers_to_the_main_process(tmp_path: Path) -> None:
    from tests.baselines.training.tiny import Drawn

    class Interrupted(Drawn):
        """Its worker gets the signal that Ctrl-C sends to all processes of a terminal."""

        def item(self, epoch: int, position: int) -> Any:
            if position == 10:
                os.kill(os.getpid(), signal.SIGINT)
            return super().item(epoch, position)

    run(tmp_path / "out", None, Interrupted(), workers=1, epochs=1)
    run(tmp_path / "undisturbed", workers=0, epochs=1)
    assert weights(tmp_path / "out") == weights(tmp_path / "undisturbed")
