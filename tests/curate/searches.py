"""A search page of drawn images for the tests of its server; no index is needed."""

from __future__ import annotations

import io
from typing import Any

from fastapi.testclient import TestClient
from PIL import Image

from roco.base.errors import DataError, RejectedInput, UsageError
from roco.curate.app_search import create_search_app
from roco.curate.finder import Answer, SearchServer, Wanted
from roco.curate.pictures import NoImage, UnknownFigure
from roco.models.images.decode import decode
from tests.curate.servers import HOST

IDS = tuple(f"drawn_train_{number:06}" for number in range(1, 6))
MISSING = IDS[4]
HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>"


def jpeg(shade: int, side: int = 64) -> bytes:
    out = io.BytesIO()
    Image.new("L", (side, side), shade % 256).save(out, "JPEG")
    return out.getvalue()


def hit(rank: int, id: str, **facts: Any) -> dict[str, Any]:
    return {
        "rank": rank, "score": 1 / rank, "id": id, "split": "train", "caption": f"Caption {HOSTILE}",
        "concepts": ["C0040405", "C9999999"], "names": [f"Tomography {HOSTILE}", "C9999999"], "modality": "DRCT",
        "region": None, "license": "CC-BY", "attribution": f"Weber {HOSTILE}. CC BY", "link": "https://doi.org/10.1/x",
        "year": 2020, "matched": {"words": rank},
    } | facts  # fmt: skip


class DrawnFinder:
    """Finds the drawn images in their order, and records the queries."""

    title = "the drawn index"

    def __init__(self) -> None:
        self.queries: list[Wanted] = []
        self.note = ""

    def __len__(self) -> int:
        return len(IDS)

    def values(self) -> dict[str, list[str]]:
        return {"modality": ["DRCT", "DRMR"], "license": ["CC-BY"], "split": ["train"]}

    def find(self, wanted: Wanted) -> Answer:
        self.queries.append(wanted)
        if not (wanted.words or wanted.concepts or wanted.like or wanted.image):
            raise UsageError("nothing to search for", "give words")
        if wanted.words == "broken":
            raise DataError("the index is broken", "make it again")
        if wanted.image is not None:
            try:
                decode(wanted.image)
            except RejectedInput as err:
                raise RejectedInput(f"the image cannot be decoded: {err.message}", "give another image") from err
        found = [id for id in IDS if id != wanted.like][: wanted.n]
        encoders = {"image": "the drawn encoder"} if wanted.image or wanted.like else {}
        return Answer([hit(rank, id) for rank, id in enumerate(found, 1)], self.note, encoders)

    def image(self, id: str) -> bytes:
        if id not in IDS:
            raise UnknownFigure("unknown image", "search again")
        if id == MISSING:
            raise NoImage("no image file", "verify the release")
        return jpeg(IDS.index(id) * 40, 400)


class SearchBrowser:
    """Sends what the search page sends."""

    def __init__(self, **facts: Any) -> None:
        self.finder = DrawnFinder()
        server = SearchServer(finder=self.finder, **{"write_token": "w", "hosts": frozenset({HOST}), **facts})
        self.app = create_search_app(server)
        self.http = TestClient(self.app, base_url=f"http://{HOST}", raise_server_exceptions=False)

    def search(self, **facts: Any) -> Any:
        return self.http.get("/api/search", params=facts)

    def upload(self, image: bytes, params: dict[str, Any] | None = None, **headers: str) -> Any:
        sent = {"x-roco-write": "w", "content-type": "application/octet-stream", **headers}
        return self.http.post("/api/search", params=params, content=image, headers=sent)
