"""Two worked examples of ImageCLEF's evaluation: A (concepts) and B (captions), and their CSV files."""

from __future__ import annotations

from pathlib import Path

from tests.evaluate.metrics.test_text import PREDICTIONS, TRUTH

CONCEPTS = {
    "img1": "C0040405;C0856747",
    "img2": "C1306645;C0817096;C1996865;C0002940",
    "img3": "C0041618",
    "img4": "C0040405;C0034606;C0497156;C1699633",
    "img5": "C0024485;C0027651",
}
MANUAL = {
    "img1": "C0040405",
    "img2": "C1306645;C0817096;C1996865",
    "img3": "C0041618",
    "img4": "",
    "img5": "C0024485",
}
PREDICTED_CONCEPTS = {
    "img1": "C0040405;C0003483",
    "img2": "C1306645;C0817096;C1999039",
    "img3": "",
    "img4": "C0040405;C1699633",
    "img5": "C0040405;C0024485;C0027651",
}
CAPTIONS = {f"img{i}": text for i, text in enumerate(TRUTH, 1)}
PREDICTED_CAPTIONS = {f"img{i}": text for i, text in enumerate(PREDICTIONS, 1)}


def table(path: Path, rows: dict[str, str], header: str = "ID,CUIs") -> Path:
    """Writes a CSV file with two columns; cells with commas are quoted."""
    quoted = (f'{id},"{cell}"' if "," in cell else f"{id},{cell}" for id, cell in rows.items())
    path.write_text("\n".join([header, *quoted]) + "\n", encoding="utf-8")
    return path
