"""Real radiology images from the installed packages pydicom and pydicom-data; nothing is downloaded."""

from __future__ import annotations

import importlib.util
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

SIDE = 480  # pixels of the longer side at most


class RealImage(NamedTuple):
    """Where an image is found and how it is displayed."""

    package: str  # name of the importable package with the file
    file: str
    window: tuple[float, float]  # stored values displayed as black and white; black > white for MONOCHROME1
    box: tuple[float, float, float, float]  # displayed part: left, top, right, bottom as fractions
    flip: str  # "", "left-right" or "upside-down", to get the usual orientation
    origin: str  # according to the package


_WG04 = "compression samples of NEMA's DICOM working group 4"
_ALL = (0.0, 0.0, 1.0, 1.0)
_DATA, _TESTS = "data_store", "pydicom"

REAL: dict[str, RealImage] = {
    "chest": RealImage(_DATA, "data/RG1_UNCR.dcm", (22000, 2200), (0.0, 0.02, 0.98, 1.0), "", _WG04),
    "leg": RealImage(_DATA, "data/RG3_UNCR.dcm", (700, 0), (0.27, 0.0, 0.70, 1.0), "left-right", _WG04),
    "shoulder": RealImage(_DATA, "data/MR2_UNCR.dcm", (0, 400), (0.05, 0.08, 1.0, 0.9), "", _WG04),
    "liver": RealImage(
        _DATA, "data/MR-SIEMENS-DICOM-WithOverlays.dcm", (0, 800), (0.0, 0.1, 1.0, 0.85), "", "the GDCM library"
    ),
    "pancreas": RealImage(
        _DATA,
        "data/explicit_VR-UN.dcm",
        (-160, 240),
        (0.1, 0.1, 0.92, 0.76),
        "upside-down",
        "The Cancer Imaging Archive, collection Pancreas-CT",
    ),
    "vertebra": RealImage(
        _TESTS, "data/test_files/CT_small.dcm", (400, 2000), _ALL, "", _WG04 + ", scaled down by pydicom"
    ),
    "lymph_node": RealImage(_DATA, "data/US1_UNCR.dcm", (0, 255), (0.075, 0.215, 0.493, 0.56), "", _WG04),
    "bladder": RealImage(
        _DATA, "data/gdcm-US-ALOKA-16.dcm", (0, 65535), (0.05, 0.1, 0.52, 0.86), "", "the GDCM library"
    ),
    "echo": RealImage(_DATA, "data/color-pl.dcm", (0, 255), _ALL, "", "sample of a transesophageal echocardiogram"),
    "bone_scan": RealImage(_DATA, "data/JPEG2000_UNC.dcm", (0, 200), _ALL, "", _WG04),
}
"""Not used: 693_*.dcm, from a data set without commercial use, and images of unknown origin."""


def available() -> dict[str, Path]:
    """Returns the paths of the installed images, by name; empty if the extra [demo] is not installed."""
    if not importlib.util.find_spec("pydicom"):
        return {}
    paths = {}
    for name, entry in REAL.items():
        spec = importlib.util.find_spec(entry.package)
        if spec is None or spec.origin is None:
            continue
        path = Path(spec.origin).parent / entry.file
        if path.is_file():
            paths[name] = path
    return paths


def read(name: str, path: Path) -> Image.Image:
    """Returns an image as 8-bit grey or RGB, windowed, cropped and scaled down to SIDE pixels at most."""
    import pydicom
    from pydicom.pixels.processing import apply_color_lut

    entry = REAL[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # test files of a DICOM reader are unusual on purpose
        data = pydicom.dcmread(path)
        pixels = data.pixel_array
        if data.PhotometricInterpretation == "PALETTE COLOR":
            pixels = apply_color_lut(pixels, data)
    height, width = pixels.shape[:2]
    left, top, right, bottom = entry.box
    pixels = pixels[int(top * height) : int(bottom * height), int(left * width) : int(right * width)]
    step = max(1, max(pixels.shape[:2]) // (2 * SIDE))
    low, high = entry.window
    grey = np.clip((pixels[::step, ::step].astype(np.float32) - low) / (high - low), 0, 1)
    image = Image.fromarray((grey * 255).astype(np.uint8))
    image.thumbnail((SIDE, SIDE))
    turns = {"left-right": Image.Transpose.FLIP_LEFT_RIGHT, "upside-down": Image.Transpose.FLIP_TOP_BOTTOM}
    return image.transpose(turns[entry.flip]) if entry.flip else image
