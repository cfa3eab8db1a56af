"""Serves the pages of curation, or that of a search, until the process is interrupted."""

from __future__ import annotations

import contextlib
import ipaddress
import secrets
import signal
import socket
import threading
import webbrowser
from collections.abc import Callable
from dataclasses import replace

from fastapi import FastAPI

from roco.base.errors import UsageError
from roco.curate.app import create_app
from roco.curate.app_search import create_search_app
from roco.curate.app_state import Server
from roco.curate.backups import backed_up
from roco.curate.finder import SearchServer

LOCAL = "127.0.0.1"


def address_of(host: str, port: int, token: str, path: str = "/") -> str:
    """Returns the address of a page."""
    shown = f"[{host}]" if ":" in host else host
    joiner = "&" if "?" in path else "?"
    return f"http://{shown}:{port}{path}" + (f"{joiner}token={token}" if token else "")


def listen(host: str, port: int, token: str) -> socket.socket:
    """Returns a listening socket; port 0 takes a free one.

    Raises UsageError for a host other than this machine without a token, and for an address that cannot be used.
    """
    if not token and not _is_this_machine(host):
        raise UsageError(f"--host {host} without a token", "add --token SECRET, or leave out --host")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(128)  # who comes before the server is ready waits
    except (OSError, OverflowError) as err:
        listening.close()
        reason = getattr(err, "strerror", None) or err
        raise UsageError(f"cannot listen on {host}, port {port}: {reason}", "choose another port with --port") from err
    return listening


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def app_of(server: Server | SearchServer) -> FastAPI:
    """Returns the application of a server."""
    return create_search_app(server) if isinstance(server, SearchServer) else create_app(server)


def serve(
    server: Server | SearchServer, listening: socket.socket, *, browse: str = "", started: Callable[[], None]
) -> None:
    """Answers requests until Ctrl-C or SIGTERM; browse: an address that is opened in the browser, empty for none."""
    import uvicorn

    port = listening.getsockname()[1]
    if not server.token:
        server = replace(server, hosts=frozenset(f"{name}:{port}" for name in (LOCAL, "localhost", "[::1]")))
    config = uvicorn.Config(app_of(server), log_level="warning", access_log=False, server_header=False)
    running = uvicorn.Server(config)
    started()
    if browse:
        threading.Thread(target=webbrowser.open, args=(browse,), daemon=True).start()
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as Ctrl-C does, with a backup of the log
    log = server.log if isinstance(server, Server) else None
    with backed_up(log), contextlib.suppress(KeyboardInterrupt):
        running.run(sockets=[listening])


def new_token() -> str:
    """Returns a token that nobody can guess."""
    return secrets.token_urlsafe(18)
