"""The server of the search page: hits of words, concepts and images, and the images, for one index."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace
from typing import Annotated, Any, Literal

import anyio.to_thread
from anyio import CapacityLimiter
from fastapi import Depends, FastAPI, HTTPException, Query, Request
from fastapi.responses import JSONResponse, Response

from roco.base.errors import RejectedInput
from roco.curate.app_guard import Guard
from roco.curate.app_shell import add_errors, add_pages, image_answer
from roco.curate.finder import FILTERS, MOST_HITS, Answer, SearchServer, Wanted
from roco.curate.pictures import Thumbnails, picture

LARGEST_IMAGE = 32 << 20  # bytes of an uploaded file
UPLOAD = "/api/search"
UPLOAD_SECONDS = 60.0
"""Seconds after which an upload that has not ended is given up."""
_AT_ONCE = 2  # uploaded images that are decoded at once: one of 50 megapixels takes some 400 MB

Words = Annotated[str, Query(max_length=1000)]
Values = Annotated[str, Query(max_length=500)]
Key = Annotated[str, Query(max_length=200)]


def create_search_app(server: SearchServer) -> FastAPI:
    """Returns the application; uploaded images are never written to disk."""
    app = FastAPI(title="roco search", docs_url=None, redoc_url=None, openapi_url=None)
    add_pages(app, {"/": "search.html"})
    add_errors(app)
    _add_search(app, server)
    _add_images(app, server)
    uploads = {UPLOAD: LARGEST_IMAGE}
    app.add_middleware(Guard, hosts=server.hosts, token=server.token, write_token=server.write_token, uploads=uploads)
    return app


def wanted(
    words: Words = "",
    concepts: Words = "",
    by: Literal["", "words", "dense", "hybrid"] = "",
    like: Key = "",
    modality: Values = "",
    region: Values = "",
    year: Values = "",
    license: Values = "",
    split: Values = "",
    commercial: bool = False,
    not_same_article: bool = False,
    diverse: bool = False,
    n: Annotated[int, Query(ge=1, le=MOST_HITS)] = 10,
) -> Wanted:
    """Returns the query of an address, without an image; several values of a filter are separated by commas."""
    given = {"modality": modality, "region": region, "year": year, "license": license, "split": split}
    filters = {name: tuple(filter(None, map(str.strip, text.split(",")))) for name, text in given.items()}
    return Wanted(
        words=words.strip(), concepts=concepts.strip(), by=by, like=like, not_same_article=not_same_article,
        diverse=diverse, n=n, commercial=commercial,
        filters={name: values for name, values in filters.items() if values},
    )  # fmt: skip


def _add_search(app: FastAPI, server: SearchServer) -> None:
    finder = server.finder
    limiter: list[CapacityLimiter] = []  # it belongs to the event loop, which runs when the first request comes

    @app.get("/api/session")
    def session() -> Any:
        # What all pages know of their server, as `app_read.described` has it; this one only reads.
        common = {"tasks": [], "round": "", "blind": False, "annotator": "", "read_only": True, "can_agree": False}
        own = {
            "title": finder.title,
            "scope": hashlib.sha256(f"search {finder.title}".encode()).hexdigest()[:16],
            "figures": len(finder),
            "write": server.write_token,
            "filters": {name: list(finder.values().get(name, ())) for name in (*FILTERS, "by")},
            "largest_image": LARGEST_IMAGE,
            "most_hits": MOST_HITS,
        }
        return common | own

    @app.get(UPLOAD)
    def search(query: Annotated[Wanted, Depends(wanted)]) -> Any:
        return _answer(finder.find(query))

    @app.post(UPLOAD)
    async def search_by_image(request: Request, query: Annotated[Wanted, Depends(wanted)]) -> Any:
        try:
            async with asyncio.timeout(UPLOAD_SECONDS):
                image = await request.body()
        except TimeoutError as err:
            raise HTTPException(408, "the upload took too long") from err
        if not image:
            raise RejectedInput("the image is empty", "choose another file")
        if not limiter:
            limiter.append(CapacityLimiter(_AT_ONCE))
        found = await anyio.to_thread.run_sync(finder.find, replace(query, image=image), limiter=limiter[0])
        return _answer(found)


def _answer(found: Answer) -> Response:
    return JSONResponse({"hits": list(found.hits), "note": found.note, "encoders": dict(found.encoders)})


def _add_images(app: FastAPI, server: SearchServer) -> None:
    finder, thumbnails = server.finder, Thumbnails()

    @app.get("/api/image")
    def image(key: Key) -> Response:
        return image_answer(picture(finder.image(key)))

    @app.get("/api/thumbnail")
    def thumbnail(key: Key) -> Response:
        return image_answer(thumbnails.get(key, lambda: finder.image(key)))
