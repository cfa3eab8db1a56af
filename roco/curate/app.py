"""The curation server: pages, figures, images, labels, undo and agreement over HTTP, for one round of one log."""

from __future__ import annotations

from fastapi import FastAPI

from roco.curate import app_agree, app_read, app_write
from roco.curate.app_guard import Guard
from roco.curate.app_shell import add_errors, add_pages
from roco.curate.app_state import Server, State
from roco.curate.board import Board
from roco.curate.view import Viewer

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
    add_pages(app, ADDRESSES)
    add_errors(app)
    app_read.add(app, state)
    if board is not None:
        app_write.add(app, state)
        if not server.blind:
            app_agree.add(app, state)
    app.add_middleware(Guard, hosts=server.hosts, token=server.token, write_token=server.write_token)
    return app


__all__ = ["Server", "create_app"]
