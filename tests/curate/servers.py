"""Servers of drawn figures for the tests of the pages, and a client that writes as the pages do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from roco.cli.agree import for_page
from roco.curate.app import create_app
from roco.curate.app_state import Server
from roco.curate.log import Log
from roco.curate.task_files import load_all
from tests.curate.figures import corpus, row

TASKS = load_all(["modality", "region", "direction"])
HOST = "127.0.0.1:8765"


def server(folder: Path, rows: list[dict[str, Any]] | None = None, *, n: int = 30, **facts: Any) -> Server:
    """A server with n figures and a log in the folder, in the round `curated` or a blind one."""
    name = facts.setdefault("round", "blind" if facts.get("blind") else "curated")
    log = Log.open(folder / "labels.db", TASKS)
    log.open_round(name, annotator="a1", blind=facts.get("blind", False))
    images = facts.pop("images", None)
    figures = corpus([row(number) for number in range(n)] if rows is None else rows, images)
    settings = {
        "tasks": TASKS,
        "log": log,
        "agreement": for_page,
        "write_token": "w",
        "annotator": "a1",
        "hosts": frozenset({HOST}),
    }
    return Server(corpus=figures, **{**settings, **facts})


class Browser:
    """Sends what a page of the server sends."""

    def __init__(self, served: Server) -> None:
        self.server = served
        self.http = TestClient(create_app(served), base_url=f"http://{HOST}", raise_server_exceptions=False)
        self.headers = {"x-roco-write": served.write_token, "sec-fetch-site": "same-origin"}

    def page(self, **facts: Any) -> dict[str, Any]:
        facts = {"task": "modality", "annotator": "a1", **facts}
        answer = self.http.get("/api/page", params=facts)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def post(self, url: str, body: Any, **headers: str) -> Any:
        return self.http.post(url, json=body, headers={**self.headers, **headers})

    def label(self, *entries: dict[str, Any], batch: str = "b1", by: str = "a1", task: str = "modality") -> Any:
        act = {"batch": batch, "task": task, "annotator": by, "entries": list(entries)}
        return self.post("/api/labels", act)

    def events(self) -> int:
        assert self.server.log is not None
        return len(list(self.server.log.events()))


def entry(number: int, label: str = "DRCT", **facts: Any) -> dict[str, Any]:
    return {"key": row(number)["image_key"], "label": label, **facts}
