"""Deposits an export or a release at Zenodo, or at another InvenioRDM: a draft first, published on request only."""

from __future__ import annotations

import datetime
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from roco.base.errors import DataError, UsageError
from roco.base.files import digest
from roco.base.locks import hold_folder
from roco.base.progress import NullProgress, Progress
from roco.base.terminal import excerpt
from roco.release.hubs.client import HubClient, Retries, checked_endpoint, checked_token
from roco.release.hubs.described import deposited_croissant
from roco.release.hubs.doi import check_doi, with_doi
from roco.release.hubs.errors import HubRefused
from roco.release.hubs.package import Package
from roco.release.hubs.state import folder_of, read_state, set_aside, write_state
from roco.release.hubs.zenodo_files import DraftFiles
from roco.release.hubs.zenodo_limits import check_for_zenodo
from roco.release.hubs.zenodo_metadata import marker, zenodo_metadata

ZENODO = "https://zenodo.org"
TOKENS = ("ROCO_ZENODO_TOKEN", "ZENODO_TOKEN")
SCOPES = "with the scopes deposit:write and deposit:actions"

_GONE = (404, 410)


@dataclass
class ZenodoState:
    """What is known of an upload. digest: of what is sent; record: id of the draft or record; names: sent by roco."""

    endpoint: str
    digest: str
    date: str
    new_version_of: str = ""
    record: str = ""
    doi: str = ""
    imported: bool = False
    metadata: str = ""  # digest of what was sent last
    names: tuple[str, ...] = ()
    published: bool = False


class Deposit(NamedTuple):
    """A draft or a published record. files, bytes: those that this command sent."""

    record: str
    doi: str
    url: str
    published: bool
    files: int
    bytes: int


def publish_zenodo(
    folder: str | Path, *, publish: bool = False, new_version_of: str | None = None, endpoint: str = ZENODO,
    token: str | None = None, progress: Progress | None = None, retries: Retries | None = None,
    sleep: Callable[[float], object] = time.sleep, today: Callable[[], datetime.date] = datetime.date.today,
) -> Deposit:  # fmt: skip
    """Sends an export or a release to a draft at Zenodo, and publishes the draft if asked to.

    The command can be repeated at any time: files that are there with the right MD5 are not sent again, and what is
    published is not published again. publish: a published record cannot be changed. new_version_of: id of a published
    record. token: by default from ROCO_ZENODO_TOKEN or ZENODO_TOKEN. Raises UsageError, DataError, HubRefused,
    HubUnreachable.
    """
    sent = Path(folder)
    address = checked_endpoint(endpoint)
    if new_version_of is not None and not new_version_of.isalnum():
        raise UsageError(f"invalid id of a record: {excerpt(new_version_of)}", "give the last part of its address")
    secret = token if token is not None else checked_token(TOKENS, os.environ, SCOPES)
    package = check_for_zenodo(sent, progress)
    client = HubClient("Zenodo", address, secret, scopes=SCOPES, retries=retries, sleep=sleep)
    try:
        with hold_folder(sent):
            shown = progress or NullProgress()
            shown.start("preparing the draft at Zenodo", None)
            upload = _Upload(client, package, shown, today)
            return upload.run(new_version_of or "", publish)
    finally:
        client.close()


class _Upload:
    """One upload: the state, the draft, and the steps to a record."""

    def __init__(
        self, client: HubClient, package: Package, progress: Progress, today: Callable[[], datetime.date]
    ) -> None:
        self._client, self._package, self._progress, self._today = client, package, progress, today
        self._beside = folder_of(package.folder, "zenodo")

    def run(self, new_version_of: str, publish: bool) -> Deposit:
        found = read_state(self._beside, ZenodoState)
        check_doi(self._package, found.doi if found else "")
        if found is not None:
            self._check_endpoint(found)
            if self._is_published(found.record):
                if found.digest == self._package.digest:
                    return self._finished(found, 0, 0)
                self._check_is_new_version(found, new_version_of)
                set_aside(self._beside, found.record)
                found = None
        if found is None:
            is_first = True
            state = ZenodoState(self._client.endpoint, self._package.digest, "", new_version_of)
            state.date = self._package.metadata.date or self._today().isoformat()
        else:
            is_first = False
            state = found
            self._check_same_version(state, new_version_of)
        self._state = state
        draft = self._draft(is_first)
        if draft is None:
            return self._finished(state, 0, 0)
        self._reserve_doi(draft)
        package = with_doi(self._package, state.doi, self._beside, self._croissant(state))
        self._send_metadata(package)
        files = DraftFiles(self._client, state.record)
        if state.new_version_of and not state.imported:
            state.imported = True
            state.names = tuple(sorted({*state.names, *files.import_previous()}))
            self._save()
        state.names = tuple(sorted({*state.names, *(file.name for file in package.files)}))
        self._check_other_files(files, package)
        self._save()
        n_files, n_bytes = files.send(package, state.names, self._progress)
        if not publish:
            return self._deposit(n_files, n_bytes)
        self._publish()
        return self._finished(state, n_files, n_bytes)

    # --- draft --------------------------------------------------------------------------------------------------

    def _draft(self, is_first: bool) -> Any:
        """Returns the draft, which is created if there is none; None if it is published already."""
        state = self._state
        if state.record:
            draft = self._client.call("GET", f"/api/records/{state.record}/draft", missing=_GONE)
            if draft is None:
                hint = f"if you deleted it, remove {self._beside} to begin a new one"
                raise DataError(f"the draft {state.record} is not at Zenodo any more", hint)
            if state.digest != self._package.digest:  # exported again since
                state.digest = self._package.digest
                self._save()
            return draft
        self._save()  # from here on, a repeated command looks for a draft that may have been created
        record = self._find() if is_first else self._find_patiently()
        if record is None:
            record = self._create()
        state.record = str(record["id"])
        self._save()
        if self._is_published(state.record):
            state.doi = _doi(record)
            return None
        return self._client.call("GET", f"/api/records/{state.record}/draft")

    def _create(self) -> Any:
        old = self._state.new_version_of
        if old:
            # Asked again, Zenodo returns the draft of the next version that exists.
            record = self._client.call("POST", f"/api/records/{old}/versions", missing=_GONE)
            if record is None:
                raise UsageError(f"unknown record: {excerpt(old)} (--new-version-of)", "give the id of your own record")
            return record
        body = {"access": {"record": "public", "files": "public"}, "files": {"enabled": True}}
        metadata = zenodo_metadata(self._package, self._state.date)
        return self._client.call(
            "POST", "/api/records", json={**body, "metadata": metadata}, happened=self._find_patiently
        )

    def _find(self) -> Any:
        """Returns the draft or record of the same bytes among those of the user, None if there is none."""
        wanted = marker(self._package)
        query = f"/api/user/records?q=%22{wanted['identifier'].replace(':', '%3A')}%22&size=25&allversions=true"
        hits = self._client.call("GET", query).get("hits", {}).get("hits", [])
        same = [hit for hit in hits if wanted in hit.get("metadata", {}).get("identifiers", [])]
        published = [hit for hit in same if hit.get("is_published") and not hit.get("is_draft")]
        return next(iter([*published, *same]), None)

    def _find_patiently(self) -> Any:
        """Looks for the draft several times: a search finds it some seconds after it was created."""
        for pause in (0, 5, 15):
            if pause:
                self._client.sleep(pause)
            record = self._find()
            if record is not None:
                return record
        return None

    def _reserve_doi(self, draft: Any) -> None:
        def reserved() -> Any:
            draft = self._client.call("GET", f"/api/records/{self._state.record}/draft")
            return draft if _doi(draft) else None

        if not _doi(draft):
            draft = self._client.call("POST", f"/api/records/{self._state.record}/draft/pids/doi", happened=reserved)
        if not _doi(draft):
            raise HubRefused("Zenodo reserved no DOI", "look at the draft, and repeat the command")
        if _doi(draft) != self._state.doi:
            self._state.doi = _doi(draft)
            self._save()

    def _send_metadata(self, package: Package) -> None:
        """Sends the metadata once: what was changed on the page of the draft since stays as it is."""
        metadata = zenodo_metadata(self._package, self._state.date)
        key = digest([metadata, self._state.doi])
        if key == self._state.metadata:
            return
        path = f"/api/records/{self._state.record}/draft"
        draft = self._client.call("GET", path)
        # A draft that is sent without its `pids` loses the reserved DOI.
        kept = {name: draft[name] for name in ("access", "custom_fields", "pids") if name in draft}
        answer = self._client.call("PUT", path, json={**kept, "files": {"enabled": True}, "metadata": metadata})
        errors = [error for error in answer.get("errors") or () if str(error.get("field", "")).startswith("metadata")]
        if errors:
            said = f"{errors[0].get('field')}: {' '.join(map(str, errors[0].get('messages', ())))}"
            raise HubRefused(f"Zenodo does not accept the metadata: {excerpt(said)}", "correct [release] of the recipe")
        self._state.metadata = key
        self._save()

    def _croissant(self, state: ZenodoState) -> str | None:
        record = f"{self._client.endpoint}/records/{state.record}"
        return deposited_croissant(self._package, record, state.doi, state.date)

    def _check_other_files(self, files: DraftFiles, package: Package) -> None:
        others = sorted(set(files.listed()) - set(self._state.names))
        if others:
            hint = f"remove it from the draft: {self._client.endpoint}/uploads/{self._state.record}"
            raise DataError(f"the draft contains a file that roco did not send: {excerpt(others[0])}", hint)

    # --- publishing ---------------------------------------------------------------------------------------------

    def _publish(self) -> None:
        record = self._state.record
        try:
            self._client.call(
                "POST", f"/api/records/{record}/draft/actions/publish",
                happened=lambda: {} if self._is_published(record) else None,
            )  # fmt: skip
        except HubRefused:
            # The try before may have been answered with 504 and have gone on.
            if not self._is_published(record):
                raise

    def _is_published(self, record: str) -> bool:
        return bool(record) and self._client.call("GET", f"/api/records/{record}", missing=(*_GONE, 403)) is not None

    def _finished(self, state: ZenodoState, files: int, n_bytes: int) -> Deposit:
        self._state = state
        if not state.published:
            state.published = True
            self._save()
        return self._deposit(files, n_bytes)

    def _deposit(self, files: int, n_bytes: int) -> Deposit:
        state = self._state
        place = "records" if state.published else "uploads"
        url = f"{self._client.endpoint}/{place}/{state.record}"
        return Deposit(state.record, state.doi, url, state.published, files, n_bytes)

    # --- state --------------------------------------------------------------------------------------------------

    def _save(self) -> None:
        write_state(self._beside, self._state)

    def _check_endpoint(self, state: ZenodoState) -> None:
        if state.endpoint != self._client.endpoint:
            hint = f"give the same --endpoint, or remove {self._beside}"
            raise UsageError(f"the upload was begun at {excerpt(state.endpoint)}", hint)

    def _check_is_new_version(self, state: ZenodoState, new_version_of: str) -> None:
        if not new_version_of:
            raise DataError(
                f"an earlier state of {self._package.folder} is published: {state.endpoint}/records/{state.record}",
                f"publish a new version: --new-version-of {state.record}",
            )

    def _check_same_version(self, state: ZenodoState, new_version_of: str) -> None:
        if new_version_of and new_version_of != state.new_version_of:
            what = f"of record {state.new_version_of}" if state.new_version_of else "of a new record"
            hint = f"give the same --new-version-of, or delete the draft and remove {self._beside}"
            raise UsageError(f"there is a draft {what} already: {state.endpoint}/uploads/{state.record}", hint)


def _doi(draft: Any) -> str:
    return str(draft.get("pids", {}).get("doi", {}).get("identifier", ""))
