"""Sections and frames of volumes as articles print them: from NIfTI, DICOM, ssdf, npy and raw files."""

from __future__ import annotations

import base64
import gzip
import io
import plistlib
import re
import struct
import tarfile
import warnings
import zlib
from dataclasses import dataclass
from pathlib import PurePosixPath

import matplotlib
import numpy as np
from PIL import Image, ImageFilter

Array = np.ndarray
WINDOWS = {"brain": (40, 90), "soft": (40, 400), "lung": (-600, 1500), "bone": (450, 1900), "abdomen": (60, 350)}
"""CT windows: level and width in Hounsfield units."""
NIFTI_TYPES = {2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4"}
SMALLEST = 256
"""Sections are enlarged until their longer side has so many pixels, as articles print them."""


@dataclass(frozen=True)
class Volume:
    """Values in the axes x (to the right), y (to the front), z (upwards), and the sizes of a voxel."""

    values: Array
    spacing: tuple[float, float, float]


def nifti(content: bytes, as_stored: bool = False) -> Volume:
    """Reads the first volume of a NIfTI-1 file, and turns its axes so that they run to the right, front and top."""
    if content[:2] == b"\x1f\x8b":
        content = gzip.decompress(content)
    order = "<" if struct.unpack("<i", content[:4])[0] == 348 else ">"
    sizes = struct.unpack(f"{order}8h", content[40:56])
    kind = struct.unpack(f"{order}h", content[70:72])[0]
    spacing = struct.unpack(f"{order}8f", content[76:108])[1:4]
    start = int(struct.unpack(f"{order}f", content[108:112])[0])
    shape = [max(1, size) for size in sizes[1:4]]
    count = int(np.prod(shape))
    values = np.frombuffer(content, order + NIFTI_TYPES[kind], count, start).reshape(shape, order="F").astype(float)
    if as_stored:
        return Volume(values, (1.0, 1.0, 1.0))
    affine = _affine(content, order, spacing)
    axes = _axes(affine)
    values = np.transpose(values, axes)
    flips = tuple(slice(None, None, -1 if affine[row, axes[row]] < 0 else 1) for row in range(3))
    ordered = [float(abs(spacing[axis])) or 1.0 for axis in axes]
    return Volume(values[flips], (ordered[0], ordered[1], ordered[2]))


def _affine(content: bytes, order: str, spacing: tuple[float, ...]) -> Array:
    """The matrix from voxels to millimetres: the sform, else the qform, else the sizes of the voxels alone."""
    qform, sform = struct.unpack(f"{order}2h", content[252:256])
    if sform > 0:
        return np.array(struct.unpack(f"{order}12f", content[280:328])).reshape(3, 4)[:, :3]
    if qform > 0:
        b, c, d = struct.unpack(f"{order}3f", content[256:268])
        a = np.sqrt(max(0.0, 1 - b * b - c * c - d * d))
        turn = np.array([
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ])  # fmt: skip
        sign = struct.unpack(f"{order}f", content[76:80])[0]
        return turn * np.array([spacing[0], spacing[1], spacing[2] * (-1 if sign < 0 else 1)])
    return np.diag([-spacing[0], spacing[1], spacing[2]])


def _axes(affine: Array) -> tuple[int, int, int]:
    """Which axis of the voxels runs along x, y and z: the one with the largest share, each once."""
    left, chosen = [0, 1, 2], []
    for row in range(3):
        best = max(left, key=lambda axis: abs(affine[row, axis]))
        left.remove(best)
        chosen.append(best)
    return chosen[0], chosen[1], chosen[2]


def ssdf(content: bytes) -> Volume:
    """Reads the array `vol` of a file in the Simple Structured Data Format, whose axes run z, y, x."""
    found = re.search(rb"vol = array (\d+)x(\d+)x(\d+) uint8 (\S+)", content)
    assert found
    shape = [int(found.group(i)) for i in (1, 2, 3)]
    parts = [zlib.decompress(base64.b64decode(part)) for part in found.group(4).split(b";")]
    values = np.frombuffer(b"".join(parts), np.uint8).reshape(shape).astype(float)
    return Volume(np.transpose(values, (2, 1, 0))[:, ::-1, ::-1], (1.0, 1.0, 1.0))


def inv3(content: bytes) -> Volume:
    """Reads the CT of a project of InVesalius: a tarball with matrix.dat and the shape and spacing in main.plist."""
    with tarfile.open(fileobj=io.BytesIO(content)) as tar:
        files = {PurePosixPath(member.name).name: member for member in tar if member.isfile()}
        plist, matrix = tar.extractfile(files["main.plist"]), tar.extractfile(files["matrix.dat"])
        assert plist and matrix
        about = plistlib.loads(plist.read())
        values = np.frombuffer(matrix.read(), "<i2").reshape(about["matrix"]["shape"]).astype(float)
    across, down, up = about["spacing"]
    return Volume(np.transpose(values, (2, 1, 0))[::-1, ::-1], (across, down, up))


def radiographs(volume: Volume, planes: dict[str, int]) -> list[tuple[str, Image.Image]]:
    """Radiographs simulated from a CT: attenuation along rays, from in front (coronal) and the side (sagittal)."""
    attenuation = np.clip((volume.values + 1000) / 1000, 0, None)
    attenuation = np.where(attenuation > 1.15, attenuation**1.6, 0.75 * attenuation)
    pictures = []
    for plane, count in planes.items():
        for angle in np.linspace(-24, 24, count):
            turned = np.stack(
                [
                    np.asarray(
                        Image.fromarray(attenuation[..., z].astype(np.float32)).rotate(angle, Image.Resampling.BILINEAR)
                    )
                    for z in range(attenuation.shape[2])
                ],
                -1,
            )
            axis = 0 if plane == "sagittal" else 1
            total = turned.sum(axis).T[::-1]
            total = total[:, ::-1] if angle < 0 else total
            spacing = [volume.spacing[1 - axis], volume.spacing[2]]
            picture = to_image(total, np.percentile(total, 3), np.percentile(total, 99.8), spacing)
            pictures.append((f"radiograph-{plane}-{angle:+.0f}", picture))
    return pictures


def sections(
    volume: Volume, planes: dict[str, int], windows: list[str] | None = None, bright: float = 99.7
) -> list[tuple[str, Image.Image]]:
    """Sections of a volume: name and picture. Planes: axial, coronal, sagittal, or `slices`, the last axis as stored.

    Without windows the values are shown from a low percentile to the percentile `bright` of the brighter half.
    """
    values = volume.values
    shown = values[values > np.percentile(values, 50)]
    low, high = np.percentile(values, 1), np.percentile(shown if shown.size else values, bright)
    limits = {name: _window(values, name) for name in windows or []} or {"": (float(low), float(high))}
    pictures = []
    for plane, count in planes.items():
        axis = {"sagittal": 0, "coronal": 1}.get(plane, 2)
        energy = np.abs(values - low).mean(axis=tuple(i for i in range(3) if i != axis))
        inside = np.flatnonzero(energy > 0.25 * energy.max())
        first, last = inside[0] + 0.12 * np.ptp(inside), inside[-1] - 0.12 * np.ptp(inside)
        for number in np.unique(np.linspace(first, last, count).round().astype(int)):
            section = _section(values, plane, int(number))
            spacing = [volume.spacing[i] for i in range(3) if i != axis]
            for name, (black, white) in limits.items():
                picture = to_image(section, black, white, spacing)
                pictures.append((f"{plane}-{number:03d}{'-' + name if name else ''}", picture))
    return pictures


def _section(values: Array, plane: str, number: int) -> Array:
    """A section as it is shown: the patient's right on the left, the front at the top or left."""
    if plane == "sagittal":
        return values[number, ::-1, :].T[::-1]
    if plane == "coronal":
        return values[::-1, number, :].T[::-1]
    return values[::-1, :, number].T[::-1]


def to_image(section: Array, low: float, high: float, spacing: list[float] | None = None) -> Image.Image:
    """A section as an 8-bit picture with square pixels, enlarged where it is small."""
    scaled = np.clip((section - low) / max(high - low, 1e-9), 0, 1)
    picture = Image.fromarray((255 * scaled).astype(np.uint8))
    across, down = spacing or [1.0, 1.0]
    width, height = picture.width * across, picture.height * down
    scale = max(SMALLEST / max(width, height), 1 / min(across, down))
    return picture.resize((round(width * scale), round(height * scale)), Image.Resampling.BICUBIC)


def pet(picture: Image.Image, number: int) -> Image.Image:
    """A simulated FDG PET of the brain from a map of grey matter: blurred, with noise, in one of four colour scales."""
    rng = np.random.default_rng(number)
    blurred = picture.filter(ImageFilter.GaussianBlur(rng.uniform(3, 6)))
    values = np.asarray(blurred, float) / 255 + 0.08 * (np.asarray(picture.filter(ImageFilter.GaussianBlur(12))) > 30)
    noise = Image.fromarray(rng.normal(128, 40, values.shape).clip(0, 255).astype(np.uint8)).filter(
        ImageFilter.GaussianBlur(3)
    )
    values = np.clip(values * 1.25 + (np.asarray(noise, float) - 128) / 400 * (values > 0.03), 0, 1)
    scale = ["hot", "gray_r", "nipy_spectral", "gray_r", "jet", "inferno"][number % 6]
    return Image.fromarray((255 * matplotlib.colormaps[scale](values)[..., :3]).astype(np.uint8))


def dicom(content: bytes, frames: int = 1, windows: list[str] | None = None) -> list[tuple[str, Image.Image]]:
    """The frames of a DICOM file, evenly spaced, each in each of the windows."""
    import pydicom
    from pydicom.pixels import apply_color_lut, apply_modality_lut

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = pydicom.dcmread(io.BytesIO(content), force=True)
        pixels = data.pixel_array
        total = int(data.get("NumberOfFrames", 1) or 1)
        palette = data.PhotometricInterpretation == "PALETTE COLOR"
        values = pixels if palette or data.get("SamplesPerPixel", 1) == 3 else apply_modality_lut(pixels, data)
        if palette:
            values = apply_color_lut(pixels, data)
            values = (values >> 8 if values.dtype == np.uint16 else values).astype(np.uint8)
    stack = values if total > 1 else values[None]
    pictures = []
    for number in np.unique(np.linspace(0.1 * (total - 1), 0.9 * (total - 1), frames).round().astype(int)):
        frame = stack[number]
        if frame.ndim == 3:
            pictures.append((f"frame-{number:03d}", Image.fromarray(frame.astype(np.uint8))))
            continue
        for name in windows or [""]:
            low, high = _window(frame, name)
            picture = to_image(frame.astype(float), low, high)
            if data.PhotometricInterpretation == "MONOCHROME1":
                picture = Image.fromarray(255 - np.asarray(picture))
            pictures.append((f"frame-{number:03d}{'-' + name if name else ''}", picture))
    return pictures


def _window(frame: Array, name: str) -> tuple[float, float]:
    """The values that are shown black and white."""
    if name:
        level, width = WINDOWS[name]
        return level - width / 2, level + width / 2
    shown = frame[frame > frame.min()]
    return float(np.percentile(shown, 1)), float(np.percentile(shown, 99.6))
