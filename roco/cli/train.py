"""The commands under `roco train`, one file each."""

from __future__ import annotations

from roco.cli.app import App
from roco.cli.train_captions import captions
from roco.cli.train_clip import clip
from roco.cli.train_concepts import concepts
from roco.cli.train_neighbours import neighbours

app = App(
    no_args_is_help=True,
    help="Trains a model on a release and writes it with its card: concepts and captions of images.\n\n"
    "Example: roco train neighbours demo/run/release demo/neighbours",
)
app.command()(concepts)
app.command()(captions)
app.command()(neighbours)
app.command()(clip)
