"""A curation server of a few drawn figures that runs until it is killed.

`python -m tests.curate.killed_server LOG FD` starts one for each line of standard input.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import socket
import sys
from pathlib import Path

import uvicorn

from roco.curate.app import create_app
from roco.curate.app_state import Server
from roco.curate.log import Log
from tests.curate.figures import corpus, row
from tests.curate.servers import TASKS

FIGURES = 40
WRITE = "w"


# What a server imports when it needs it: here once for all of them.
for name in ("pandas", "h11", "uvicorn.lifespan.on", "uvicorn.loops.auto", "uvicorn.protocols.http.h11_impl"):
    with contextlib.suppress(ImportError):
        importlib.import_module(name)


def forked(path: Path, listening: socket.socket) -> int:
    """Starts a server in a child process, whose modules are loaded already; returns its process id."""
    child = os.fork()
    if not child:
        try:
            serve(path, listening)
        finally:
            os._exit(1)
    return child


def serve(path: Path, listening: socket.socket) -> None:
    with Log.open(path, TASKS) as log:
        log.open_round("curated", annotator="lead")
        figures = corpus([row(number) for number in range(FIGURES)])
        port = listening.getsockname()[1]
        hosts = frozenset({f"127.0.0.1:{port}"})
        server = Server(corpus=figures, tasks=TASKS, log=log, round="curated", hosts=hosts, write_token=WRITE)
        uvicorn.Server(uvicorn.Config(create_app(server), log_level="critical", ws="none", http="h11")).run(
            sockets=[listening]
        )


def main(path: str, descriptor: str) -> None:
    """Starts a server for each line of standard input, and prints its process id."""
    with socket.socket(fileno=int(descriptor)) as listening:
        for _ in sys.stdin:
            child = forked(Path(path), listening)
            print(child, flush=True)
            os.waitpid(child, 0)
            print("ended", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
