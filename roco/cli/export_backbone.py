"""`roco export-backbone`: an image encoder as a backbone for stages, heads and neighbours."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from roco.cli.output import print_json, print_next, safe, shown_path
from roco.cli.run import Json


def export_backbone(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL|NAME",
            help="The folder of a model of roco train, or the name of a network of timm or open_clip.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path, typer.Argument(metavar="OUT.onnx", help="The file to write; its card is OUT.json.", show_default=False)
    ],
    weights: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Weights of a named network, in safetensors.")
    ] = None,
    download: Annotated[
        bool, typer.Option("--download", help="Download the pretrained weights of a network of timm.")
    ] = False,
    license: Annotated[
        str, typer.Option(metavar="NAME", help="Licence of the weights, if it is not known; for the card.")
    ] = "",
    source: Annotated[str, typer.Option(metavar="TEXT", help="Where the weights come from; for the card.")] = "",
    as_json: Json = False,
) -> None:
    """Writes the image encoder of a model as a backbone: an ONNX file with a card.

    Example: roco export-backbone models/b0 b0.onnx --license CC-BY-NC-4.0

    The stages embed and score, roco fit and roco train neighbours read it: backbone = "b0.onnx". The embeddings of the
    file are compared with those of the network before it is written.
    """
    from roco.baselines.export_backbone import export_backbone as write

    backbone = write(model, out, weights=weights, download=download, license=license, source=source)
    if as_json:
        numbers = {"size": backbone.size, "width": backbone.width, "sha256": backbone.sha256}
        print_json({"file": str(out), "name": backbone.name, **numbers})
    else:
        print(safe(f"{shown_path(out)}: {backbone.name}, {backbone.width} numbers for images of {backbone.size} px"))
    print_next("roco fit TASK --release RELEASE --backbone", out)
