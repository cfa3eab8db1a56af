"""The curation server: pages, figures, images, labels, undo and agreement over HTTP, for one round of one log."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from roco.base.errors import Busy, RejectedInput, RocoError
from roco.curate import app_agree, app_read, app_write
from roco.curate.app_guard import Guard
from roco.curate.app_state import Server, State
from roco.curate.board import Board
from roco.curate.corpus import NoImage, UnknownFigure
from roco.curate.view import Viewer

PAGES = Path(__file__).with_name("pages")
_TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript"}
_HINTS = {400: "send valid JSON in UTF-8", 405: "read with GET, write with POST"}  # by status
ADDRESSES = {"/": "grid.html", "/one": "one.html", "/agree": "agree.html"}


def create_app(server: Server) -> FastAPI:
    """Returns the application; its memory holds the figures and the labels."""
    known = {**server.tasks, **server.others}
    board = Board(server.log, server.corpus, known, server.round) if server.log else None
    tasks = known if board else {}
    viewer = Viewer(server.corpus, tasks, board, blind=server.blind, double=server.double)
    if board:
        board.refresh()
    state = State(server, viewer, board)
    app = FastAPI(title="roco curate", docs_url=None, redoc_url=None, openapi_url=None)
    _add_pages(app)
    _add_errors(app)
    app_read.add(app, state)
    if board is not None:
        app_write.add(app, state)
        if not server.blind:
            app_agree.add(app, state)
    app.add_middleware(Guard, hosts=server.hosts, token=server.token, write_token=server.write_token)
    return app


def _add_pages(app: FastAPI) -> None:
    """Adds the pages and their files, which are read once: no address names a path."""
    files = {path.name: path.read_bytes() for path in sorted(PAGES.iterdir()) if path.suffix in _TYPES}
    # Browsers ask for it, again whenever the address of a page changes.
    _add_file(app, "/favicon.ico", b"", "image/x-icon", {"cache-control": "max-age=86400"})
    for address, name in ADDRESSES.items():
        _add_file(app, address, files[name], _TYPES[".html"])
    for name, data in files.items():
        if not name.endswith(".html"):
            _add_file(app, f"/static/{name}", data, _TYPES[Path(name).suffix])


def _add_file(app: FastAPI, address: str, data: bytes, media: str, headers: Mapping[str, str] | None = None) -> None:
    def file() -> Response:
        return Response(data, media_type=media, headers=headers)

    app.add_api_route(address, file, methods=["GET"])


def _add_errors(app: FastAPI) -> None:
    """Answers every error with JSON: what is wrong, and what to do."""

    def roco_error(_: Request, err: Exception) -> Response:
        assert isinstance(err, RocoError)
        known = {UnknownFigure: 404, NoImage: 404, RejectedInput: 422, Busy: 503}
        status = next((status for kind, status in known.items() if isinstance(err, kind)), 500)
        return JSONResponse({"error": err.message, "hint": err.hint}, status)

    def invalid(_: Request, err: Exception) -> Response:
        assert isinstance(err, RequestValidationError)
        first = err.errors()[0]
        if first.get("type") == "json_invalid":
            return JSONResponse({"error": "the request is not valid JSON", "hint": _HINTS[400]}, 422)
        where = ".".join(str(part) for part in first.get("loc", ()))[:100]
        return JSONResponse({"error": f"invalid request: {where}", "hint": str(first.get("msg", ""))[:200]}, 422)

    def http_error(_: Request, err: Exception) -> Response:
        assert isinstance(err, HTTPException)
        hint = _HINTS.get(err.status_code, "check the address")
        return JSONResponse({"error": str(err.detail), "hint": hint}, err.status_code)

    app.add_exception_handler(RocoError, roco_error)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http_error)


__all__ = ["Server", "create_app"]
