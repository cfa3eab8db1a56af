"""Sends an export to a branch of a dataset at the Hugging Face Hub; on request, main becomes it in one commit."""

from __future__ import annotations

import os
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from roco.base.errors import DataError, UsageError
from roco.base.ids import clean_doi
from roco.base.json_text import parse_json
from roco.base.locks import hold_folder
from roco.base.progress import NullProgress, Progress
from roco.base.terminal import excerpt
from roco.release.hubs.client import HubClient, Retries, checked_endpoint, checked_token
from roco.release.hubs.doi import with_doi
from roco.release.hubs.hub_api import Dataset, RemoteFile
from roco.release.hubs.package import EXPORT_RECORD, RELEASE, LocalFile, Package, open_package
from roco.release.hubs.sending import SentBytes
from roco.release.hubs.state import folder_of, read_state, write_state

HUB = "https://huggingface.co"
TOKENS = ("HF_TOKEN",)
MAX_FOLDER = 10_000  # entries
MAX_BYTES = 500_000_000_000
MAX_FILE = 5_000_000_000  # of one upload in one piece
MAX_FILES = 1_000  # of the one commit that changes main
COMMIT_FILES = 100
COMMIT_BYTES = 50_000_000  # of the content of small files in one commit
_MAIN = "main"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_SHARDS = "export the release in a format with shards, such as hf or webdataset"


@dataclass
class HubState:
    """What is known of an upload. created: whether the branch was created by roco, so that it may be deleted."""

    endpoint: str
    repo: str
    branch: str
    created: bool = False
    doi: str = ""


class HubUpload(NamedTuple):
    """A branch or a published dataset. files, bytes: those that this command sent."""

    repo: str
    revision: str
    url: str
    published: bool
    files: int
    bytes: int


def check_for_hub(folder: Path, progress: Progress | None = None) -> Package:
    """Verifies what would be sent, and compares it with the limits of the Hub; nothing is sent.

    Raises DataError for a file that differs from its checksum, a release that is not exported, 10,000 entries in a
    folder, more than 1,000 files, a file of more than 5 GB, or more than 500 GB.
    """
    package = open_package(folder, progress or NullProgress())
    if package.format == RELEASE:
        raise UsageError(f"{folder} is a release, not an export", f"export it first: roco export {folder} hf OUT")
    folders = Counter(file.name.rpartition("/")[0] for file in package.files)
    fullest, entries = folders.most_common(1)[0]
    if entries >= MAX_FOLDER:
        raise DataError(f"{entries:,} files in the folder {fullest or '.'}: the Hub accepts fewer than 10,000", _SHARDS)
    if len(package.files) > MAX_FILES:
        raise DataError(f"{len(package.files):,} files: at most {MAX_FILES:,} can become main in one commit", _SHARDS)
    largest = max(package.files, key=lambda file: file.size)
    if largest.size > MAX_FILE:
        hint = "export the release in smaller shards: roco export --shard-mb"
        raise DataError(f"{largest.name} has {largest.size / 1e9:,.1f} GB: at most {MAX_FILE // 10**9} GB", hint)
    if package.size > MAX_BYTES:
        raise DataError(
            f"{package.size / 1e9:,.1f} GB: the Hub accepts {MAX_BYTES // 10**9} GB", "divide it with roco select"
        )
    return package


def publish_hub(
    folder: str | Path, repo: str, *, branch: str | None = None, publish: bool = False, private: bool = False,
    doi: str | None = None, endpoint: str = HUB, token: str | None = None, progress: Progress | None = None,
    retries: Retries | None = None, sleep: Callable[[float], object] = time.sleep,
) -> HubUpload:  # fmt: skip
    """Sends an export to a branch of a dataset at the Hub, and makes it main if asked to.

    The command can be repeated at any time: files that are there with the same SHA-256 are not sent again. repo:
    `NAMESPACE/NAME`; it is created if it does not exist. branch: `release-VERSION` by default. doi: is written into
    the texts. publish: main becomes the export in one commit, which gets the tag `vVERSION`; files of others in the
    repository stay. token: by default from HF_TOKEN. Raises UsageError, DataError, HubRefused, HubUnreachable.
    """
    sent = Path(folder)
    address = checked_endpoint(endpoint)
    if not re.fullmatch(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", repo, re.ASCII):
        raise UsageError(f"invalid name of a dataset: {excerpt(repo)}", "write it as NAMESPACE/NAME (--repo)")
    cleaned = clean_doi(doi) if doi is not None else None
    if doi is not None and cleaned is None:
        raise UsageError(f"invalid DOI: {excerpt(doi)}", "write it as --doi 10.5281/zenodo.123")
    scopes = f"with write access to {repo.partition('/')[0]}"
    secret = token if token is not None else checked_token(TOKENS, os.environ, scopes)
    package = check_for_hub(sent, progress)
    name = branch or f"release-{package.version}"
    if name == _MAIN or not _NAME.fullmatch(name):
        raise UsageError(f"invalid name of a branch: {excerpt(name)}", "choose another one with --branch")
    if not _NAME.fullmatch(package.version):
        raise DataError(
            f"the version {excerpt(package.version)} cannot be the name of a tag",
            "use letters, digits, '.', '_' and '-' for `version` in [release] of the recipe",
        )
    client = HubClient("Hugging Face", address, secret, scopes=scopes, retries=retries, sleep=sleep)
    try:
        with hold_folder(sent):
            shown = progress or NullProgress()
            shown.start("preparing the branch at Hugging Face", None)
            beside = folder_of(sent, "hf")
            state = _state(beside, HubState(address, repo, name))
            # A repeated command keeps the DOI that an earlier one was given.
            state.doi = cleaned or state.doi
            if state.doi:
                package = with_doi(package, state.doi, beside)
            upload = _Upload(Dataset(client, repo), package, beside, state, shown)
            return upload.run(publish, private)
    finally:
        client.close()


def _state(beside: Path, new: HubState) -> HubState:
    """Returns the state of an earlier command with the same branch and repository, else a new one."""
    found = read_state(beside, HubState)
    if found is None or (found.endpoint, found.repo, found.branch) != (new.endpoint, new.repo, new.branch):
        return new
    return found


class _Upload:
    """One upload: to the branch, then to main."""

    def __init__(self, hub: Dataset, package: Package, beside: Path, state: HubState, progress: Progress) -> None:
        self._hub, self._package, self._beside, self._state, self._progress = hub, package, beside, state, progress
        self._branch = state.branch
        self._tag = f"v{package.version.removeprefix('v')}"

    def run(self, publish: bool, private: bool) -> HubUpload:
        write_state(self._beside, self._state)
        if not self._hub.exists():
            self._hub.create(private)
        branches, tags = self._hub.refs()
        if self._is_complete(self._hub.files(_MAIN)):
            # Published before: by this command, which may have died before its last steps.
            if publish:
                self._finish(branches, tags)
            return self._result(True, 0, 0)
        if self._tag in tags:
            raise DataError(
                f"{self._hub.repo} has the tag {self._tag} already, of other files",
                "set another `version` in [release] of the recipe, and build and export the release again",
            )
        if self._branch not in branches:
            self._state.created = True
            write_state(self._beside, self._state)
            self._hub.create_branch(self._branch)
        n_files, n_bytes = self._send()
        if publish:
            self._make_main()
            self._finish(*self._hub.refs())
        return self._result(publish, n_files, n_bytes)

    def _is_complete(self, there: dict[str, RemoteFile]) -> bool:
        return all(file.name in there and there[file.name].is_same(file) for file in self._package.files)

    # --- branch -------------------------------------------------------------------------------------------------

    def _send(self) -> tuple[int, int]:
        """Makes the branch contain the export; returns the number of files and bytes sent."""
        there = self._hub.files(self._branch)
        missing = [f for f in self._package.files if f.name not in there or not there[f.name].is_same(f)]
        deleted = self._outdated(self._branch, there)
        n_bytes = sum(file.size for file in missing)
        sent = SentBytes(self._progress, self._package.size, self._package.size - n_bytes)
        large = self._hub.large_files(self._branch, missing)
        # The record of the export is committed last: with it, the branch is complete.
        last = [file for file in missing if file.name == EXPORT_RECORD]
        groups = list(_groups([file for file in missing if file.name != EXPORT_RECORD], large))
        for number, group in enumerate(groups, start=1):
            for file in group:
                if file.name in large:
                    self._hub.send_large(self._branch, file, sent.counted(file.body()))
            summary = f"{self._package.title} {self._package.version}, part {number} of {len(groups)}"
            self._hub.commit(self._branch, summary, group, large, [])
            for file in group:
                if file.name not in large:
                    sent.add(file.size)
        if last or deleted:
            for file in last:
                if file.name in large:
                    self._hub.send_large(self._branch, file, sent.counted(file.body()))
            self._hub.commit(self._branch, self._summary(), last, large, deleted)
        return len(missing), n_bytes

    def _outdated(self, revision: str, there: dict[str, RemoteFile]) -> list[str]:
        """Returns the files of the previous export that the new one lacks; files of others are none of them."""
        if EXPORT_RECORD not in there:
            return []
        try:
            names = set(parse_json(self._hub.read(revision, EXPORT_RECORD))["files"])
        except (ValueError, KeyError, TypeError) as err:
            raise DataError(
                f"{EXPORT_RECORD} in {self._hub.repo} ({revision}) is not of roco", "choose another --repo"
            ) from err
        return sorted((names & there.keys()) - {file.name for file in self._package.files})

    # --- main ---------------------------------------------------------------------------------------------------

    def _make_main(self) -> None:
        """Changes main in one commit, so that nobody reads half of a release."""
        head = self._hub.refs()[0].get(_MAIN)
        there = self._hub.files(_MAIN)
        missing = [f for f in self._package.files if f.name not in there or not there[f.name].is_same(f)]
        large = self._hub.large_files(_MAIN, missing)
        for file in missing:
            if file.name in large:  # the Hub has the bytes of the branch and asks for none
                self._hub.send_large(_MAIN, file, file.body())
        self._hub.commit(_MAIN, self._summary(), missing, large, self._outdated(_MAIN, there), parent=head)

    def _finish(self, branches: dict[str, str], tags: dict[str, str]) -> None:
        """Tags main, and deletes the branch if roco created it."""
        if self._tag not in tags:
            self._hub.create_tag(self._tag, branches.get(_MAIN, _MAIN))
        if self._state.created and self._branch in branches:
            self._hub.delete_branch(self._branch)

    def _summary(self) -> str:
        return f"{self._package.title} {self._package.version}"

    def _result(self, published: bool, files: int, n_bytes: int) -> HubUpload:
        revision = _MAIN if published else self._branch
        url = f"{self._hub.client.endpoint}/datasets/{self._hub.repo}"
        return HubUpload(
            self._hub.repo, revision, url if published else f"{url}/tree/{revision}", published, files, n_bytes
        )


def _groups(files: Sequence[LocalFile], large: set[str]) -> Iterator[list[LocalFile]]:
    """Yields the files of each commit: a bounded number of files, and of bytes of small ones."""
    group: list[LocalFile] = []
    n_bytes = 0
    for file in files:
        size = 0 if file.name in large else file.size
        if group and (len(group) == COMMIT_FILES or n_bytes + size > COMMIT_BYTES):
            yield group
            group, n_bytes = [], 0
        group.append(file)
        n_bytes += size
    if group:
        yield group
