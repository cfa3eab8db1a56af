"""`python -m benchmarks.spread`: how alike the images of a first page are, in random order and spread by features.

Images are the radiology images of the shared material, all of the same doubt. A look-alike is another image of the page
of 40 with a cosine of more than 0.8 of the embeddings, as seen from their mean. Means of 60 orders.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from PIL import Image

from benchmarks.corpora import SHARED
from roco.curate import queue
from roco.curate.corpus import _standardised
from roco.models.images.backbone import Backbone
from roco.models.images.layout import layout

PAGE, ORDERS, ALIKE = 40, 60, 0.8
SIDE = 320  # pixels of the longer side to which images are reduced

Features = NDArray[np.float32]


def images() -> Iterator[NDArray[np.uint8]]:
    """Yields the images, reduced."""
    for folder in ("radiology", "images/radiology"):
        for path in sorted((SHARED / "data" / folder).rglob("*")):
            if path.suffix.lower() in (".png", ".jpg", ".jpeg"):
                with Image.open(path) as opened:
                    image = opened.convert("RGB")
                image.thumbnail((SIDE, SIDE))
                yield np.asarray(image)


def look_alikes(embeddings: Features, features: Features | None) -> list[tuple[float, float]]:
    """Returns for each order the share of look-alikes on the first page, and the mean cosine of the nearest image."""
    angles = embeddings - embeddings.mean(axis=0)
    angles /= np.linalg.norm(angles, axis=1, keepdims=True)
    n, found = len(angles), []
    for seed in range(ORDERS):
        clusters = np.zeros(n, np.int64) if features is None else queue.clustered([features], seed)
        first = angles[queue.by_doubt(np.ones(n), clusters, str(seed))[:PAGE]]
        cosines = first @ first.T
        np.fill_diagonal(cosines, -1)
        nearest = cosines.max(axis=1)
        found.append((float((nearest > ALIKE).mean()), float(nearest.mean())))
    return found


def main() -> None:
    """Prints a row for each way of spreading."""
    backbone = Backbone.load()
    embedded, layouts = [], []
    for image in images():
        embedded.append(backbone.embed([image])[0].astype(np.float32))
        layouts.append(layout(image).values)
    embeddings = np.stack(embedded)
    ways = {"random": None, "embedding": embeddings, "layout": _standardised(pa.array(layouts))}
    print(f"{len(embeddings)} images\n")
    print("| spread by | look-alikes on the first page | cosine of the nearest image |\n|---|---|---|")
    for name, features in ways.items():
        shares, nearest = zip(*look_alikes(embeddings, features), strict=True)
        error = np.std(shares) / np.sqrt(ORDERS)
        print(f"| {name} | {100 * np.mean(shares):.1f} % (± {100 * error:.1f}) | {np.mean(nearest):.3f} |")


if __name__ == "__main__":
    main()
