"""A publication grows from the one in its folder, which is replaced as a whole, whenever the run is killed."""

from __future__ import annotations

import dataclasses
import functools
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from roco.base.errors import DataError, UsageError
from roco.base.files import exchange, file_digest
from roco.core import release_folder
from roco.core.release_folder import Contents, carry_over, inspect, recover, replace_folder, stamps_of
from roco.core.stage import Finished
from tests.core import fakes
from tests.core.conftest import run, write_article
from tests.faults.drive import KILLED, drive, faults, forked, leftovers, pipeline, read, write_articles


@pytest.fixture(scope="module")
def articles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_articles(tmp_path_factory.mktemp("published") / "articles", 7)


@pytest.fixture(scope="module")
def finished(articles: Path) -> Path:
    """A finished run over seven articles, in whose release somebody wrote notes and edited a file."""
    folder = articles.with_name("finished")
    drive(articles, folder, numbered=True)
    return folder


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ROCO_TEST_LOG", str(tmp_path / "log"))
    return tmp_path / "log"


def ids(folder: Path) -> dict[str, str]:
    return {row["figure_id"]: row["id"] for row in json.loads((folder / "release" / "all.json").read_text())["kept"]}


def more(articles: Path, folder: Path) -> Path:
    """Copies the articles, and adds one that precedes all others and one that follows them."""
    shutil.copytree(articles, folder)
    (folder / "A000.json").rename(folder / "A0005.json")
    write_article(folder, 0)
    write_article(folder, 30)
    return folder


# --- growing --------------------------------------------------------------------------------------------------------


def test_what_was_published_keeps_its_ids(articles: Path, finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished, tmp_path / "run")
    (tmp_path / "articles").mkdir()
    for path in articles.iterdir():
        shutil.copy(path, tmp_path / "articles" / f"B{path.name}")
    shutil.copytree(articles, tmp_path / "articles", dirs_exist_ok=True)
    before = ids(tmp_path / "run")
    changes = drive(tmp_path / "articles", tmp_path / "run", numbered=True).changes
    after = ids(tmp_path / "run")
    assert changes is not None and changes.added == len(after) - len(before) > 0
    assert {figure: after[figure] for figure in before} == before
    renumbered = drive(tmp_path / "articles", tmp_path / "run", numbered=True, new_ids=True).changes
    assert renumbered is not None and renumbered.changed == 0  # the new articles follow the others


def test_a_rerun_after_growth_calls_no_stage(articles: Path, finished: Path, tmp_path: Path, log: Path) -> None:
    shutil.copytree(finished, tmp_path / "run")
    source = more(articles, tmp_path / "articles")
    drive(source, tmp_path / "run", numbered=True)
    log.unlink()
    drive(source, tmp_path / "run", numbered=True)
    assert read(log) == {}


@pytest.mark.parametrize("name", ["published.json", "published.copy.json"])
@pytest.mark.parametrize("damage", [b"", b"corrupt", None], ids=["emptied", "replaced", "removed"])
def test_a_damaged_record_of_what_was_published_has_a_copy(
    articles: Path, finished: Path, tmp_path: Path, log: Path, name: str, damage: bytes | None
) -> None:
    shutil.copytree(finished, tmp_path / "run")
    path = tmp_path / "run" / "ledger" / name
    path.unlink() if damage is None else path.write_bytes(damage)
    assert drive(articles, tmp_path / "run", numbered=True).changes is None
    assert read(log) == {}
    written = [(tmp_path / "run" / "ledger" / each).read_bytes() for each in ("published.json", "published.copy.json")]
    assert written == [(finished / "ledger" / "published.json").read_bytes()] * 2


@pytest.mark.parametrize("damage", [b"corrupt", None], ids=["replaced", "removed"])
def test_a_damaged_ledger_is_recreated_by_a_run_that_has_nothing_else_to_do(
    articles: Path, finished: Path, tmp_path: Path, damage: bytes | None
) -> None:
    shutil.copytree(finished, tmp_path / "run")
    [path] = (tmp_path / "run" / "ledger").glob("*.parquet")
    before = path.read_bytes()
    path.unlink() if damage is None else path.write_bytes(damage)
    assert drive(articles, tmp_path / "run", numbered=True).changes is None
    assert path.read_bytes() == before


def test_a_growing_run_that_stops_before_its_end_decides_on_the_same_basis(
    articles: Path, finished: Path, tmp_path: Path, log: Path
) -> None:
    shutil.copytree(finished, tmp_path / "run")
    source = more(articles, tmp_path / "articles")
    drive(source, tmp_path / "run", numbered=True, only=(1, 1))
    before = read(log)["halves"]
    drive(source, tmp_path / "run", numbered=True)
    assert read(log)["halves"] > before
    assert ids(tmp_path / "run").items() >= ids(finished).items() - {("A000/f0/0", "x0"), ("A000/f1/0", "x1")}


def test_a_slice_cannot_assign_ids(articles: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a slice assigns no ids"):
        drive(articles, tmp_path / "run", only=(1, 2), new_ids=True)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plain(fakes.Numbered):
    """Writes no checksums."""

    def publish(self, run: Finished, folder: Path) -> None:
        super().publish(run, folder)
        (folder / "checksums.sha256").unlink()


def test_a_publication_without_checksums_grows_and_is_not_repeated(articles: Path, tmp_path: Path, log: Path) -> None:
    source = more(articles, tmp_path / "articles")
    made = functools.partial(pipeline, printed=Plain())
    for folder, known in ((articles, 0), (source, 1)):
        changes = run(made(folder), tmp_path / "run", workers=0).changes
        assert (changes is not None and changes.kept > 0) == bool(known)
        log.unlink()
        run(made(folder), tmp_path / "run", workers=0)
        assert read(log) == {}


# --- killed ---------------------------------------------------------------------------------------------------------


def sweep(articles: Path, finished: Path, root: Path, *, last: int = 0) -> Iterator[int]:
    """Grows a copy of a run that is killed at each call, or at each of the last ones; yields the calls."""
    source = more(articles, root / "articles")
    shutil.copytree(finished, root / "undisturbed")
    (root / "undisturbed" / "release" / "NOTES.md").write_text("mine")
    shutil.copytree(root / "undisturbed", root / "before")
    assert forked(source, root / "undisturbed", faults(root / "count", 0), numbered=True) == 0
    n = (root / "count").stat().st_size
    old, new = ids(root / "before"), ids(root / "undisturbed")
    assert old != new
    for at in range(n - last if last else 1, n + 1):
        folder = root / f"killed-{at}"
        shutil.copytree(root / "before", folder)
        assert forked(source, folder, faults(root / f"at-{at}", at), numbered=True) == KILLED
        yield at
        drive(source, folder, numbered=True)
        expected = {path.name: path.read_bytes() for path in (root / "undisturbed" / "release").iterdir()}
        assert {path.name: path.read_bytes() for path in (folder / "release").iterdir()} == expected, at
        assert leftovers(folder) == []
        assert len(list((folder / "ledger").iterdir())) == 4  # the record, its copy, the ledger and that it grew from
        shutil.rmtree(folder)


def is_complete(release: Path) -> bool:
    digest, _, name = (release / "checksums.sha256").read_text().strip().partition("  ")
    return file_digest(release / name) == digest and (release / "NOTES.md").read_text() == "mine"


@pytest.mark.slow
def test_a_complete_release_with_the_files_of_others_is_there_at_any_moment(
    articles: Path, finished: Path, tmp_path: Path
) -> None:
    for at in sweep(articles, finished, tmp_path, last=26):
        assert is_complete(tmp_path / f"killed-{at}" / "release"), at


@pytest.mark.slow
def test_where_folders_cannot_be_exchanged_the_old_release_is_kept_until_the_new_one_is_there(
    articles: Path, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(release_folder, "exchange", lambda first, second: False)
    moments = 0
    for at in sweep(articles, finished, tmp_path, last=26):
        folder = tmp_path / f"killed-{at}"
        in_place = folder / "release"
        moments += not in_place.exists()
        assert is_complete(in_place if in_place.exists() else folder / ".release.old"), at
    assert moments == 1


@pytest.mark.slow
def test_a_growing_run_killed_at_any_call_grows_as_if_undisturbed(
    articles: Path, finished: Path, tmp_path: Path
) -> None:
    assert len([at for at in sweep(articles, finished, tmp_path) if at]) > 50


@pytest.mark.slow
def test_a_run_killed_before_its_release_is_confirmed_can_go_back_to_the_previous_input(
    articles: Path, finished: Path, tmp_path: Path
) -> None:
    """The new release is in place, so that the next one grows from it and not from the one that it replaced."""
    source = more(articles, tmp_path / "articles")
    shutil.copytree(finished, tmp_path / "run")
    assert forked(source, tmp_path / "run", faults(tmp_path / "count", 0), numbered=True) == 0
    n = (tmp_path / "count").stat().st_size
    for at in range(n - 26, n + 1):
        folder = tmp_path / f"run-{at}"
        shutil.copytree(finished, folder)
        assert forked(source, folder, faults(tmp_path / f"at-{at}", at), numbered=True) == KILLED
        published = ids(folder)
        drive(articles, folder, numbered=True)
        assert all(published.get(figure, id) == id for figure, id in ids(folder).items()), at


# --- the folder -----------------------------------------------------------------------------------------------------


def test_a_folder_is_compared_with_the_files_that_were_written(tmp_path: Path) -> None:
    for name in ("same", "touched", "edited", "grown", "deleted", "replaced"):
        (tmp_path / name).write_text(name)
    stamps = stamps_of(tmp_path)
    assert inspect(tmp_path, stamps) == Contents()
    (tmp_path / "touched").touch()
    (tmp_path / "edited").write_text("EDITED")
    (tmp_path / "grown").write_text("grown more")
    (tmp_path / "deleted").unlink()
    (tmp_path / "replaced").unlink()
    (tmp_path / "replaced").mkdir()
    (tmp_path / "new").write_text("new")
    assert inspect(tmp_path, stamps) == Contents(("edited", "grown", "replaced"), ("deleted",), ("new",))
    shutil.rmtree(tmp_path)
    assert inspect(tmp_path, stamps) == Contents((), tuple(sorted(stamps)), ())


@pytest.mark.parametrize("links", [True, False], ids=["links", "copies"])
def test_what_others_wrote_gets_a_free_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool) -> None:
    if not links:
        monkeypatch.delattr("os.link")
        monkeypatch.setattr("os.link", _no_links, raising=False)
    old, new = tmp_path / "old", tmp_path / "new"
    for folder in (old, new):
        folder.mkdir()
        for name in ("a.md", "LICENSE", "taken.md"):
            (folder / name).write_text(f"{name} in {folder.name}")
    (old / "a.edited.md").write_text("edited before")
    (old / "folder").mkdir()
    (old / "folder" / "link").symlink_to("nowhere")
    foreign = ("a.edited.md", "folder", "taken.md")
    names = carry_over(old, Contents(modified=("LICENSE", "a.md"), foreign=foreign), new)
    assert names == {
        "a.edited.md": "a.edited.md", "folder": "folder", "taken.md": "taken.edited.md",
        "LICENSE": "LICENSE.edited", "a.md": "a.edited-2.md",
    }  # fmt: skip
    shutil.rmtree(old)
    assert (new / "a.edited-2.md").read_text() == "a.md in old"
    assert (new / "taken.md").read_text() == "taken.md in new"
    assert (new / "folder" / "link").is_symlink()


def _no_links(*args: object, **options: object) -> None:
    raise OSError("no hard links")


@pytest.mark.parametrize("can_exchange", [True, False])
def test_a_folder_takes_the_place_of_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, can_exchange: bool
) -> None:
    if not can_exchange:
        monkeypatch.setattr(release_folder, "exchange", lambda first, second: False)
    for text in ("one", "two"):
        (tmp_path / ".it.part").mkdir()
        (tmp_path / ".it.part" / "a").write_text(text)
        replace_folder(tmp_path / "it", tmp_path / ".it.part")
        assert (tmp_path / "it" / "a").read_text() == text
        assert [path.name for path in tmp_path.iterdir()] == ["it"]


def test_a_file_that_somebody_writes_while_the_next_release_is_written_is_carried_over(
    articles: Path, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(shutil.copytree(finished, tmp_path / "run"))
    publish = fakes.Printed.publish

    def publish_slowly(stage: fakes.Printed, run: Finished, new: Path) -> None:
        publish(stage, run, new)
        (folder / "release" / "NOTES.md").write_text("written meanwhile")

    monkeypatch.setattr(fakes.Printed, "publish", publish_slowly)
    outcome = drive(more(articles, tmp_path / "articles"), folder, numbered=True)
    assert outcome.carried["NOTES.md"] == "NOTES.md"
    assert (folder / "release" / "NOTES.md").read_text() == "written meanwhile"


def test_an_edited_file_never_takes_the_name_of_a_link_that_leads_nowhere(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    new.mkdir()
    (old / "README.md").write_text("edited")
    (new / "README.edited.md").symlink_to(tmp_path / "elsewhere.md")
    names = carry_over(old, Contents(modified=("README.md",)), new)
    assert names == {"README.md": "README.edited-2.md"}
    assert not (tmp_path / "elsewhere.md").exists()


def test_a_read_only_release_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user without the rights of root cannot delete files of a read-only folder."""
    for folder in (tmp_path / "it" / "deep", tmp_path / ".it.part"):
        folder.mkdir(parents=True)
    for folder in (tmp_path / "it" / "deep", tmp_path / "it"):
        folder.chmod(0o555)
    made_writable = []
    monkeypatch.setattr(Path, "chmod", lambda self, mode: made_writable.append((self.name, mode)))
    replace_folder(tmp_path / "it", tmp_path / ".it.part")
    assert [mode for _, mode in made_writable] == [0o700, 0o700]
    assert {name for name, _ in made_writable} <= {".it.part", ".it.old", "deep"}


def test_an_interrupted_replacement_is_undone_or_completed(tmp_path: Path) -> None:
    (tmp_path / ".it.old").mkdir()
    recover(tmp_path / "it")
    assert [path.name for path in tmp_path.iterdir()] == ["it"]
    (tmp_path / ".it.old").mkdir()
    (tmp_path / "it" / "new").touch()
    recover(tmp_path / "it")
    assert (tmp_path / "it" / "new").exists() and not (tmp_path / ".it.old").exists()


def test_paths_that_cannot_be_exchanged_are_left_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    assert exchange(tmp_path / "one", tmp_path / "missing") is False
    assert (tmp_path / "one").is_dir()


def test_a_folder_that_another_program_wrote_stops_the_run(articles: Path, tmp_path: Path) -> None:
    (tmp_path / "run" / "release").mkdir(parents=True)
    (tmp_path / "run" / "release" / "checksums.sha256").write_text("0  a\n")
    with pytest.raises(DataError, match=r"cannot grow from|can grow from: .*all\.json is unreadable"):
        drive(articles, tmp_path / "run", numbered=True)
