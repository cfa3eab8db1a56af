"""What the servers of pages share: the files of the pages, and errors as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from roco.base.errors import Busy, RejectedInput, RocoError, UsageError
from roco.curate.pictures import NoImage, Picture, UnknownFigure

PAGES = Path(__file__).with_name("pages")
_TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8", ".js": "text/javascript"}
_HINTS = {  # by status
    400: "send valid JSON in UTF-8",
    405: "read with GET, write with POST",
    408: "send it again, or choose a smaller file",
}
_STATUS: dict[type[RocoError], int] = {UnknownFigure: 404, NoImage: 404, RejectedInput: 422, UsageError: 422, Busy: 503}


def add_pages(app: FastAPI, addresses: Mapping[str, str]) -> None:
    """Adds the pages and their files, which are read once: no address names a path.

    addresses: the address of each page -> the name of its file.
    """
    files = {path.name: path.read_bytes() for path in sorted(PAGES.iterdir()) if path.suffix in _TYPES}
    # Browsers ask for it, again whenever the address of a page changes.
    _add_file(app, "/favicon.ico", b"", "image/x-icon", {"cache-control": "max-age=86400"})
    for address, name in addresses.items():
        _add_file(app, address, files[name], _TYPES[".html"])
    for name, data in files.items():
        if not name.endswith(".html"):
            _add_file(app, f"/static/{name}", data, _TYPES[Path(name).suffix])


def _add_file(app: FastAPI, address: str, data: bytes, media: str, headers: Mapping[str, str] | None = None) -> None:
    def file() -> Response:
        return Response(data, media_type=media, headers=headers)

    app.add_api_route(address, file, methods=["GET"])


def add_errors(app: FastAPI) -> None:
    """Answers every error with JSON: what is wrong, and what to do."""

    def roco_error(_: Request, err: Exception) -> Response:
        assert isinstance(err, RocoError)
        status = next((status for kind, status in _STATUS.items() if isinstance(err, kind)), 500)
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


def image_answer(picture: Picture) -> Response:
    """Returns the answer that contains an image, which the browser keeps for an hour."""
    headers = {"cache-control": "private, max-age=3600", "content-disposition": "inline"}
    return Response(picture.data, media_type=picture.mime, headers=headers)
