"""Sizes of the dataset: images and articles by split, Table 4 and Figure 3 of the paper."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from roco.evaluate.report import paper
from roco.evaluate.report.content import Content, NotAvailable
from roco.evaluate.report.inputs import Inputs
from roco.evaluate.report.plots import Histogram
from roco.evaluate.report.render import Cell, ReportTable


def split_sizes(inputs: Inputs) -> Content:
    """Images per split, distinct articles (PMCIDs), and distinct concepts (CUIs) of all images and of each split."""
    splits, articles = inputs.values("split"), inputs.article_of
    images = inputs.images.images
    rows: list[tuple[Cell, ...]] = []
    ours: dict[str, Cell] = {}
    for split in ("all", *inputs.splits):
        chosen = [place for place, one in enumerate(splits) if split in ("all", one)]
        concepts = {cui for place in chosen for cui in images[place].concepts}
        in_articles = len({articles[place] for place in chosen})
        share = len(chosen) / len(splits) if splits else None
        rows.append((split, len(chosen), share, in_articles, len(concepts)))
        ours[f"images, {split}"] = len(chosen)
        ours[f"concepts, {split}"] = len(concepts)
    ours["articles"] = rows[0][3]
    columns = ("split", "images", "share", "articles", "concepts")
    return Content(
        tables=(ReportTable("Images, articles and concepts by split", columns, rows),),
        compared=paper.compared("Split sizes", ours),
    )


def table_4(inputs: Inputs) -> Content:
    """Caption length is the number of words separated by white space, of the caption as the release has it; captions
    per article are images per PMCID; concepts per caption are CUIs per image. Each with mean, maximum and minimum."""
    if not inputs.size:
        raise NotAvailable("the dataset has no images")
    words = caption_words(inputs.column("caption"))
    per_article = np.array(list(Counter(inputs.article_of).values()))
    per_image = np.array([len(image.concepts) for image in inputs.images.images])
    rows: list[tuple[Cell, ...]] = []
    ours: dict[str, Cell] = {}
    measured = (("caption length", words), ("captions per article", per_article), ("concepts per caption", per_image))
    for name, numbers in measured:
        mean, most, least = float(numbers.mean()), int(numbers.max()), int(numbers.min())
        rows.append((name, mean, most, least))
        ours |= {f"{name}, mean": mean, f"{name}, max": most, f"{name}, min": least}
    table = ReportTable("Captions, articles and concepts", ("", "mean", "max", "min"), rows)
    return Content(tables=(table,), compared=paper.compared("Table 4", ours))


def figure_3(inputs: Inputs) -> Content:
    """Number of images by their number of concepts (CUIs)."""
    per_image = Counter(len(image.concepts) for image in inputs.images.images)
    if not per_image:
        raise NotAvailable("the dataset has no images")
    most = max(per_image)
    rows: list[tuple[Cell, ...]] = [(number, per_image[number]) for number in range(most + 1) if per_image[number]]
    counts = [per_image[number] for number in range(most + 1)]
    mean = sum(number * images for number, images in per_image.items()) / inputs.size
    plot = Histogram(
        name="figure-3",
        title="Concepts per image",
        alt=f"Histogram of the concepts per image: mean {mean:.2f}, at most {most}.",
        edges=[number - 0.5 for number in range(most + 2)],
        series={"images": counts},
        axis="concepts of an image",
    )
    ours: dict[str, Cell] = {"smallest number of concepts": min(per_image), "largest number of concepts": most}
    ours["mean number of concepts"] = mean
    return Content(
        tables=(ReportTable("Images by number of concepts", ("concepts", "images"), rows),),
        plots=(plot,),
        compared=paper.compared("Figure 3", ours),
    )


def caption_words(captions: pa.ChunkedArray) -> np.ndarray:
    """Returns the number of words of each caption, separated by white space; an empty caption has none."""
    stripped = pc.utf8_trim_whitespace(pc.fill_null(captions, ""))
    words = pc.list_value_length(pc.utf8_split_whitespace(stripped))
    return np.where(pc.equal(stripped, "").to_numpy(), 0, words.to_numpy())
