"""The requests of the Hugging Face Hub that an upload needs: repository, branches, files, commits and tags."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote, urljoin

from roco.base.terminal import excerpt
from roco.release.hubs.client import Body, HubClient
from roco.release.hubs.errors import HubRefused
from roco.release.hubs.package import LocalFile

FILES_AT_ONCE = 256  # of a question about the way of upload
_LFS = {"Accept": "application/vnd.git-lfs+json", "Content-Type": "application/vnd.git-lfs+json"}
_SAMPLE = 512  # bytes by which the Hub distinguishes text from binary


class RemoteFile(NamedTuple):
    """A file of a revision: its SHA-256 if it is stored apart from git (LFS), else the SHA-1 that git gives it."""

    sha256: str
    git_sha1: str

    def is_same(self, file: LocalFile) -> bool:
        return self.sha256 == file.sha256 if self.sha256 else self.git_sha1 == file.git_sha1


class Dataset:
    """A dataset repository of the Hub."""

    def __init__(self, client: HubClient, repo: str) -> None:
        self.client = client
        self.repo = repo
        self._api = f"/api/datasets/{repo}"

    # --- repository and revisions -------------------------------------------------------------------------------

    def exists(self) -> bool:
        return self.client.call("GET", self._api, missing=(404,)) is not None

    def create(self, private: bool) -> None:
        organization, _, name = self.repo.partition("/")
        body = {"type": "dataset", "name": name, "organization": organization}
        body["visibility"] = "private" if private else "public"
        self.client.call("POST", "/api/repos/create", json=body, missing=(409,), happened=self._if(self.exists))

    def refs(self) -> tuple[dict[str, str], dict[str, str]]:
        """Returns the commit of each branch and of each tag."""
        refs = self.client.call("GET", f"{self._api}/refs")
        branches, tags = refs.get("branches") or [], refs.get("tags") or []
        return _commits(branches), _commits(tags)

    def create_branch(self, branch: str) -> None:
        self.client.call(
            "POST", f"{self._api}/branch/{_quoted(branch)}", json={}, missing=(409,),
            happened=self._if(lambda: branch in self.refs()[0]),
        )  # fmt: skip

    def delete_branch(self, branch: str) -> None:
        self.client.call("DELETE", f"{self._api}/branch/{_quoted(branch)}", missing=(404,))

    def create_tag(self, tag: str, commit: str) -> None:
        self.client.call(
            "POST", f"{self._api}/tag/{_quoted(commit)}", json={"tag": tag}, missing=(409,),
            happened=self._if(lambda: tag in self.refs()[1]),
        )  # fmt: skip

    # --- files --------------------------------------------------------------------------------------------------

    def files(self, revision: str) -> dict[str, RemoteFile]:
        """Returns the files of a revision by name."""
        found = {}
        path: str | None = f"{self._api}/tree/{_quoted(revision)}?recursive=true"
        while path is not None:
            response = self.client.send("GET", path)
            for entry in response.json():
                if entry.get("type") == "file":
                    lfs = entry.get("lfs") or {}
                    found[str(entry["path"])] = RemoteFile(str(lfs.get("oid", "")), str(entry.get("oid", "")))
            following = response.links.get("next", {}).get("url")
            path = urljoin(f"{self.client.endpoint}/", following) if following else None
            if path is not None and not self.client.is_own(path):
                raise HubRefused(f"{self.client.name} continues a list at another host", "check --endpoint")
        return found

    def read(self, revision: str, name: str) -> bytes:
        """Returns a small file of a revision."""
        path = f"/datasets/{self.repo}/resolve/{_quoted(revision)}/{quote(name)}"
        content: bytes = self.client.send("GET", path).content
        return content

    def large_files(self, revision: str, files: Sequence[LocalFile]) -> set[str]:
        """Returns the names of the files that the Hub stores apart from git (LFS)."""
        large = set()
        for start in range(0, len(files), FILES_AT_ONCE):
            asked = [
                {"path": file.name, "size": file.size, "sample": base64.b64encode(_sample(file)).decode()}
                for file in files[start : start + FILES_AT_ONCE]
            ]
            answer = self.client.call("POST", f"{self._api}/preupload/{_quoted(revision)}", json={"files": asked})
            for entry in answer.get("files", []):
                if entry.get("shouldIgnore"):
                    raise HubRefused(
                        f".gitignore of {self.repo} excludes {excerpt(entry.get('path'))}", "change it at the hub"
                    )
                if entry.get("uploadMode") == "lfs":
                    large.add(str(entry["path"]))
        return large

    def send_large(self, revision: str, file: LocalFile, body: Body) -> None:
        """Sends the bytes of a large file, unless the Hub has them; they belong to no revision yet."""
        request = {
            "operation": "upload",
            "transfers": ["basic"],
            "objects": [{"oid": file.sha256, "size": file.size}],
            "hash_algo": "sha256",
            "ref": {"name": revision},
        }

        def actions() -> Mapping[str, Any]:
            """Returns what the Hub asks for: an upload and its verification, or nothing if it has the bytes."""
            batch = f"/datasets/{self.repo}.git/info/lfs/objects/batch"
            objects = self.client.call("POST", batch, json=request, headers=_LFS).get("objects") or [{}]
            if "error" in objects[0]:
                said = objects[0]["error"].get("message", "")
                raise HubRefused(f"{self.client.name} does not accept {file.name}: {excerpt(said)}")
            found: Mapping[str, Any] = objects[0].get("actions") or {}
            return found

        asked = actions()
        if "upload" not in asked:
            return
        upload = asked["upload"]
        headers = {str(name): str(value) for name, value in (upload.get("header") or {}).items()}
        # If the bytes arrived although the answer did not, the Hub asks for no upload any more.
        self.client.send(
            "PUT", str(upload["href"]), body=body, headers=headers,
            happened=lambda: None if "upload" in actions() else {},
        )  # fmt: skip
        verify = asked.get("verify")
        if verify:
            self.client.call("POST", str(verify["href"]), json={"oid": file.sha256, "size": file.size}, headers=_LFS)

    # --- commits ------------------------------------------------------------------------------------------------

    def commit(
        self, revision: str, summary: str, files: Iterable[LocalFile], large: set[str], deleted: Iterable[str],
        parent: str | None = None,
    ) -> None:  # fmt: skip
        """Makes one commit; large: names of files whose bytes the Hub has; parent: refused if it is not the newest."""
        header = {"summary": summary, "description": "", **({"parentCommit": parent} if parent else {})}
        lines: list[dict[str, Any]] = [{"key": "header", "value": header}]
        files, deleted = list(files), list(deleted)
        for file in files:
            if file.name in large:
                value = {"path": file.name, "algo": "sha256", "oid": file.sha256, "size": file.size}
                lines.append({"key": "lfsFile", "value": value})
            else:
                content = base64.b64encode(b"".join(file.body().blocks())).decode()
                lines.append({"key": "file", "value": {"path": file.name, "content": content, "encoding": "base64"}})
        lines += [{"key": "deletedFile", "value": {"path": name}} for name in deleted]
        data = b"".join(json.dumps(line).encode() + b"\n" for line in lines)

        def is_made() -> bool:
            there = self.files(revision)
            return all(file.name in there and there[file.name].is_same(file) for file in files) and not any(
                name in there for name in deleted
            )

        try:
            self.client.call(
                "POST", f"{self._api}/commit/{_quoted(revision)}",
                body=Body(len(data), lambda: [data], "application/x-ndjson"), happened=self._if(is_made),
            )  # fmt: skip
        except HubRefused:
            # The try before may have been answered with 504 and have gone on: its commit is the newest now.
            if not is_made():
                raise

    def _if(self, is_true: Callable[[], bool]) -> Callable[[], dict[str, Any] | None]:
        return lambda: {} if is_true() else None


def _commits(refs: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    return {str(ref["name"]): str(ref["targetCommit"]) for ref in refs}


def _quoted(name: str) -> str:
    return quote(name, safe="")


def _sample(file: LocalFile) -> bytes:
    with file.path.open("rb") as fh:
        return fh.read(_SAMPLE)
