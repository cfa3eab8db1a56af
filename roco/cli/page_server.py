"""What all commands that open pages in the browser share: host, port and token, and the lines that they print."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from roco.base.errors import UsageError
from roco.cli.output import safe

if TYPE_CHECKING:
    from roco.curate.app_state import Server
    from roco.curate.finder import SearchServer

Port = Annotated[int, typer.Option("--port", metavar="N", min=0, max=65535, help="Listen on this port; 0: a free one.")]
Host = Annotated[
    str, typer.Option("--host", metavar="ADDRESS", help="Listen on this address; other machines need --token.")
]
Token = Annotated[str, typer.Option("--token", metavar="SECRET", help="Ask for this secret; part of the address.")]
Quiet = Annotated[bool, typer.Option("--no-browser", help="Do not open the browser.")]

PORT = 8765
HOST = "127.0.0.1"


def checked_token(token: str) -> str:
    """Returns a token; raises UsageError for one that is short, or that an address cannot contain as it is."""
    if token and (len(token) < 8 or not token.isascii() or not token.replace("-", "").replace("_", "").isalnum()):
        raise UsageError("invalid --token", "use at least 8 letters, digits, - and _")
    return token


def serve_page(server: Server | SearchServer, what: str, page: str, host: str, port: int, browse: bool) -> None:
    """Serves pages until Ctrl-C, and prints what they show and their address. browse: whether the browser is opened."""
    from roco.curate.serve import address_of, listen, serve

    with listen(host, port, server.token) as listening:
        where = address_of(host, listening.getsockname()[1], server.token, page)

        def started() -> None:
            print(safe(f"{what}: {where}"))
            print("press Ctrl-C to stop", file=sys.stderr)
            sys.stdout.flush()

        serve(server, listening, browse=where if browse else "", started=started)
