"""The card of a model of `roco train clip`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from roco.baselines.contrastive.architecture import Config
from roco.baselines.contrastive.scores import KS
from roco.baselines.training.trained import Trained, card

if TYPE_CHECKING:
    from roco.baselines.contrastive.learner import ClipLearner

USE = """`roco predict MODEL RELEASE --out vectors.npz` writes the vectors of images and captions, which
`roco evaluate retrieval vectors.npz --truth RELEASE` scores. `roco export-backbone MODEL encoder.onnx` writes the image
encoder for stages, heads and neighbours. open_clip loads the folder as `local-dir:MODEL`."""

STARTED = """Training began from the weights of a file. Published image-text models of biomedical articles, such as
BiomedCLIP and PMC-CLIP, have very likely been trained on test images of ROCOv2: scores of a model that starts from
them are optimistic."""


def card_of(trained: Trained, learner: ClipLearner, config: Config, remarks: Sequence[str]) -> str:
    """Returns the card: the network, what random rankings score, how to use it."""
    summary = (
        f"Two encoders ({config.name} of open_clip) that find the caption of an image, and the image of a caption."
    )
    sections = {"Use": USE}
    pool = int(trained.scores.get("pool", 0))
    if pool:
        shares = ", ".join(f"{min(k / pool, 1):.4f} at {k}" for k in KS)
        sections["Comparison"] = (
            f"Recall of a random order among the {pool:,} validation images that were ranked: {shares}. A pool of "
            "another size has other scores."
        )
    if trained.settings.get("weights", {}).get("value"):
        sections["Starting weights"] = STARTED
    further = [remark for remark in remarks if remark not in trained.data.problems()]
    if further:
        sections["Captions"] = "\n".join(f"- {remark}" for remark in further)
    if learner.unreadable:
        listed = ", ".join(list(learner.unreadable)[:10])
        sections["Unreadable validation images"] = f"{len(learner.unreadable):,}, ranked last: {listed}."
    return card(f"{trained.preset}, trained by roco", summary, trained, sections)
