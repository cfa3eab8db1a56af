"""Answers as the Hugging Face Hub does, with a storage of large files at another address."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from typing import Any
from urllib.parse import unquote

from tests.release.hubs.fakes import Answer, FakeHub

MISSING = Answer(404, {"error": "Repository not found"})


class FakeStorage(FakeHub):
    """Stores large files by SHA-256; sent: how often each arrived."""

    def __init__(self) -> None:
        super().__init__()
        self.stored: dict[str, bytes] = {}
        self.sent: dict[str, int] = {}

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: bytes) -> Answer:
        oid = path.rpartition("/")[2]
        self.sent[oid] = self.sent.get(oid, 0) + 1
        if hashlib.sha256(body).hexdigest() != oid:
            return Answer(400, {"message": "BadDigest"})
        self.stored[oid] = body
        return Answer(200)


class FakeHuggingFace(FakeHub):
    """One dataset, `group/data`. branches, tags: name -> commit; trees: commit -> files; history: commits of main."""

    def __init__(self, storage: FakeStorage) -> None:
        super().__init__()
        self.storage = storage
        self.is_created = False
        self.branches: dict[str, str] = {}
        self.tags: dict[str, str] = {}
        self.trees: dict[str, dict[str, bytes]] = {}
        self.large: set[str] = set()  # SHA-256 of files that are stored as LFS
        self.history: list[str] = []
        self.page = 3
        self.most_files = 0  # in one commit to a branch

    def create(self) -> None:
        self.is_created = True
        self.branches["main"] = "c0"
        self.trees["c0"] = {".gitattributes": b"*.parquet filter=lfs"}

    def main(self) -> dict[str, bytes]:
        return {name: data for name, data in self.trees[self.branches["main"]].items() if name != ".gitattributes"}

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: bytes) -> Answer:
        if not self.is_allowed():
            return Answer(401, {"error": f"Invalid username or password: {self.tokens[-1]}"})
        if path == "/api/repos/create":
            if self.is_created:
                return Answer(409, {"error": "You already created this dataset repo"})
            self.create()
            return Answer(200, {"url": f"{self.url}/datasets/group/data"})
        if not self.is_created:
            return MISSING
        if path == "/datasets/group/data.git/info/lfs/objects/batch":
            return self._batch(json.loads(body))
        if path == "/verify":
            return Answer(200 if json.loads(body)["oid"] in self.storage.stored else 404)
        if match := re.fullmatch(r"/datasets/group/data/resolve/([^/]+)/(.*)", path):
            return Answer(200, json.loads(self.trees[self.branches[match[1]]][match[2]]))
        match = re.fullmatch(r"/api/datasets/group/data(?:/(\w+)(?:/(.*))?)?", path)
        if not match:
            return MISSING
        return self._api(method, match[1], unquote(match[2] or ""), query, body)

    def _api(self, method: str, part: str | None, name: str, query: dict[str, list[str]], body: bytes) -> Answer:
        if part is None:
            return Answer(200, {"id": "group/data"})
        if part == "refs":
            lists = {"branches": self.branches, "tags": self.tags}
            refs = {key: [{"name": n, "targetCommit": c} for n, c in of.items()] for key, of in lists.items()}
            return Answer(200, refs)
        if part == "branch":
            if method == "DELETE":
                return Answer(200 if self.branches.pop(name, "") else 404)
            if name in self.branches:
                return Answer(409, {"error": "Reference already exists"})
            self.branches[name] = self.branches["main"]
            return Answer(200)
        if part == "tag":
            tag = json.loads(body)["tag"]
            if tag in self.tags:
                return Answer(409, {"error": "Tag already exists"})
            self.tags[tag] = self.branches.get(name, name)
            return Answer(200)
        if name not in self.branches:
            return Answer(404, {"error": "Invalid rev id"})
        if part == "preupload":
            files = json.loads(body)["files"]
            modes = [
                {"path": f["path"], "uploadMode": "lfs" if f["path"].endswith((".parquet", ".tar")) else "regular"}
                for f in files
            ]
            return Answer(200, {"files": modes})
        if part == "tree":
            return self._tree(name, int(query.get("cursor", ["0"])[0]))
        return self._commit(name, [json.loads(line) for line in body.splitlines()])

    def _tree(self, branch: str, start: int) -> Answer:
        entries = []
        for name, data in sorted(self.trees[self.branches[branch]].items()):
            sha256 = hashlib.sha256(data).hexdigest()
            git = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
            is_large = sha256 in self.large
            entry = {"type": "file", "path": name, "size": len(data), "oid": "pointer" if is_large else git}
            entries.append({**entry, **({"lfs": {"oid": sha256, "size": len(data)}} if is_large else {})})
        end = start + self.page
        link = f'<{self.url}/api/datasets/group/data/tree/{branch}?recursive=true&cursor={end}>; rel="next"'
        return Answer(200, entries[start:end], {"Link": link} if end < len(entries) else {})

    def _batch(self, data: dict[str, Any]) -> Answer:
        (wanted,) = data["objects"]
        answer = dict(wanted)
        if wanted["oid"] not in self.storage.stored:
            answer["actions"] = {
                "upload": {"href": f"{self.storage.url}/put/{wanted['oid']}", "header": {"X-Signed": "yes"}},
                "verify": {"href": f"{self.url}/verify"},
            }
        return Answer(200, {"objects": [answer]})

    def _commit(self, branch: str, lines: list[dict[str, Any]]) -> Answer:
        header, *operations = lines
        parent = header["value"].get("parentCommit")
        if parent and parent != self.branches[branch]:
            return Answer(412, {"error": "A commit has happened since. Please refresh and try again."})
        tree = dict(self.trees[self.branches[branch]])
        for operation in operations:
            value = operation["value"]
            if operation["key"] == "lfsFile":
                if value["oid"] not in self.storage.stored:
                    return Answer(400, {"error": "LFS pointer pointed to a file that does not exist"})
                self.large.add(value["oid"])
                tree[value["path"]] = self.storage.stored[value["oid"]]
            elif operation["key"] == "file":
                tree[value["path"]] = base64.b64decode(value["content"])
            else:
                del tree[value["path"]]
        commit = f"c{len(self.trees)}"
        self.trees[commit] = tree
        self.branches[branch] = commit
        if branch == "main":
            self.history.append(commit)
        else:
            self.most_files = max(self.most_files, len(operations))
        return Answer(200, {"commitOid": commit})
