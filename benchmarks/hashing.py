"""Compares decoding and hashing with imagehash, and counts the matches within the radii of `dedup` on real images."""

from __future__ import annotations

import io
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import imagehash
import numpy as np
from PIL import Image

from benchmarks.corpora import real_images
from roco.base.errors import RejectedInput
from roco.models.images.decode import decode
from roco.models.images.hamming import hamming_distance
from roco.models.images.hashes import phash, phash_fine, small
from roco.stages.dedup import Dedup


def hashing(repeats: int) -> list[str]:
    """Returns the section of docs/benchmarks.md."""
    files = [path.read_bytes() for path in real_images()]
    files = [data for data in files if _decodes(data)][:600]
    scaled = [Image.fromarray(p.astype(np.uint8)) for data in files if (p := small(decode(data).image)) is not None]
    work: dict[str, tuple[Callable[[], object], int]] = {
        "roco: decode, phash and phash_fine": (lambda: [_roco(data) for data in files], len(files)),
        "imagehash: decode, phash": (lambda: [_peer(data) for data in files], len(files)),
        "imagehash: decode, phash and dhash of 256 bits": (lambda: [_peer(data, True) for data in files], len(files)),
        "roco: 64 x 64 pixels as input, both hashes": (lambda: [_both(image) for image in scaled], len(scaled)),
        "imagehash: 64 x 64 pixels as input, phash": (
            lambda: [imagehash.phash(image) for image in scaled],
            len(scaled),
        ),
    }
    found: dict[str, list[float]] = {name: [] for name in work}
    for _ in range(repeats):
        for name, (do, n) in work.items():
            started = time.perf_counter()
            do()
            found[name].append((time.perf_counter() - started) / n * 1e3)
    lines = ["", "## Decoding and hashing", "", f"{len(files)} real images in sequence, one process."]
    lines += ["", "| | ms per image |", "|---|---|"]
    lines += [f"| {name} | {statistics.median(times):.2f} |" for name, times in found.items()]
    names = list(found)
    for mine, theirs in ((0, 1), (0, 2), (3, 4)):
        ratio = statistics.median(b / a for a, b in zip(found[names[mine]], found[names[theirs]], strict=True))
        lines += ["", f"`{names[theirs]}` takes {ratio:.1f} times as long as `{names[mine]}`."]
    return lines


def _decodes(data: bytes) -> bool:
    try:
        decode(data)
    except RejectedInput:
        return False
    return True


def _roco(data: bytes) -> object:
    return _both(decode(data).image)


def _both(image: Image.Image) -> object:
    pixels = small(image)
    return None if pixels is None else (phash(pixels), phash_fine(pixels))


def _peer(data: bytes, second: bool = False) -> object:
    image = Image.open(io.BytesIO(data))
    return imagehash.phash(image), imagehash.dhash(image, 16) if second else None


# --- radii ----------------------------------------------------------------------------------------------------------


def radii() -> Iterator[str]:
    """Reports which modified copies the radii match, and which different images are close, by halves of the sources.

    The radii were chosen on the first half and are evaluated on the second; each source (a clip, a volume, a patient)
    is in one half only.
    """
    groups: dict[int, list[tuple[str, tuple[int, int]]]] = {0: [], 1: []}
    copies: dict[int, dict[str, list[tuple[int, int]]]] = {0: {}, 1: {}}
    for path in real_images():
        data = path.read_bytes()
        if not _decodes(data) or (own := _ints(decode(data).image)) is None:
            continue
        half = sum(_source(path).encode()) % 2
        groups[half].append((path.name, own))
        for name, copy in _copies(decode(data).image):
            other = _ints(decode(copy).image)
            far = (99, 999) if other is None else tuple(map(hamming_distance, own, other))
            copies[half].setdefault(name, []).append((far[0], far[1]))
    dedup = Dedup()
    for half, title in enumerate(("chosen on", "evaluated on")):
        yield f"{title}: {len(groups[half])} images"
        yield "| copy | matched as duplicate | bits of 64: 95 %, 99 % | bits of 576: 95 %, 99 % |"
        yield "|---|---|---|---|"
        for name, far in copies[half].items():
            same = sum(a <= dedup.radius and b <= dedup.confirm for a, b in far) / len(far)
            marks = [np.percentile([f[i] for f in far], (95, 99)) for i in (0, 1)]
            yield f"| {name} | {100 * same:.1f} % | " + " | ".join(f"{a:.0f}, {b:.0f}" for a, b in marks) + " |"
        near = sorted(_near(groups[half]))
        yield f"different files within {dedup.similar_radius} of 64 bits: {len(near)}; the nearest of 576 bits:"
        yield from (f"  {fine} ({coarse} of 64)  {one}  {other}" for fine, coarse, one, other in near[:25])


def _source(path: Path) -> str:
    """Returns the part of a name that images of one clip, volume or patient share: without the number at its end."""
    return path.parent.name + path.stem.rstrip("0123456789").rpartition("_frame")[0] or path.stem[:12]


def _ints(image: Image.Image) -> tuple[int, int] | None:
    pixels = small(image)
    return None if pixels is None else (int(phash(pixels), 16), int(phash_fine(pixels), 16))


def _copies(image: Image.Image) -> Iterator[tuple[str, bytes]]:
    plain = image.convert("L" if image.mode == "L" else "RGB")
    w, h = plain.size

    def saved(one: Image.Image, kind: str = "JPEG", **options: int) -> bytes:
        out = io.BytesIO()
        one.save(out, kind, **options)
        return out.getvalue()

    yield "PNG", saved(plain, "PNG")
    yield "JPEG, quality 90", saved(plain, quality=90)
    yield "JPEG, quality 75", saved(plain, quality=75)
    yield "JPEG, quality 50", saved(plain, quality=50)
    yield "grey", saved(plain.convert("L"), quality=90)
    for share in (0.8, 0.5, 0.33):
        size = (max(16, round(w * share)), max(16, round(h * share)))
        yield f"{100 * share:.0f} % of the size, quality 70", saved(plain.resize(size), quality=70)
    for cut in (0.01, 0.03):
        box = (round(w * cut), round(h * cut), round(w * (1 - cut)), round(h * (1 - cut)))
        yield f"{100 * cut:.0f} % cropped from each side", saved(plain.crop(box), quality=90)


def _near(images: Sequence[tuple[str, tuple[int, int]]]) -> Iterator[tuple[int, int, str, str]]:
    for i, (one, (a, b)) in enumerate(images):
        for other, (c, d) in images[i + 1 :]:
            if (coarse := hamming_distance(a, c)) <= Dedup.similar_radius:
                yield hamming_distance(b, d), coarse, one, other


if __name__ == "__main__":
    for line in radii() if "radii" in sys.argv else hashing(3):
        print(line, flush=True)
