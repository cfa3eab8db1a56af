"""`python -m training.material OUT`: writes the images on which the default heads are trained, and their labels."""

from __future__ import annotations

import argparse
import itertools
import logging
import shutil
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from PIL import Image

from training import charts, drawings, fetching, fonts, lookalikes, marks, package_images, plan, real, singles, tiling
from training.plan import Task
from training.records import Record, generator, inherit, save, write

LONGEST = 1200
"""Larger derived images are scaled down."""


def prepare(font_folder: Path | None) -> None:
    """Prepares a process: the fonts of packages, and no messages of matplotlib about fonts."""
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)
    if font_folder:
        fonts.add_folder(font_folder)
    fonts.register()


def unpack(out: Path, packages: Path) -> list[Record]:
    """Writes the images of packages into the folder; returns their records. Packages not to be had are reported."""
    table = fetching.packages()
    files, missing = fetching.fetch(packages, table)
    for name in missing:
        print(f"left out, cannot be fetched: {name}")
    records = []
    for package in table:
        if package.name not in files:
            continue
        for record, picture in package_images.images(package, files[package.name]):
            target = out / record.path
            target.parent.mkdir(parents=True, exist_ok=True)
            picture.save(target, compress_level=3)
            records.append(record)
    font_files = [
        files[package.name] for package in table if package.name in files and package.name.startswith("fonts-")
    ]
    for name, content in itertools.chain.from_iterable(fetching.members(file, ["*.ttf"]) for file in font_files):
        (packages / "fonts").mkdir(exist_ok=True)
        (packages / "fonts" / Path(name).name).write_bytes(content)
    return records


def copy(images: Iterable[real.Real], out: Path) -> list[Record]:
    """Copies real images into the folder; returns their records."""
    records = []
    for image in images:
        target = out / image.record.path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(image.file, target)
        records.append(image.record)
    return records


def draw(task: Task, out: Path, seed: int) -> Record:
    """Carries out one task: draws the image, saves it, returns its record."""
    rng = generator(seed, task.kind, task.number)
    name = f"derived/{task.kind.replace(' ', '_')}/{task.number:05d}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # matplotlib: tight layouts and glyphs that a font lacks
        if not task.parents:
            return _generate(task, rng, out, name)
        return _derive(task, rng, out, name)


def _generate(task: Task, rng: singles.Rng, out: Path, name: str) -> Record:
    """Draws an image of which no part is real."""
    source = f"generated:{task.kind}"
    if task.kind == "charts":
        image, kind = charts.several(rng)
    else:
        image, kind = {"chart": charts.single, "drawing": drawings.single, "lookalike": lookalikes.single}[task.kind](
            rng
        )
    if max(image.size) > LONGEST:
        image.thumbnail((LONGEST, LONGEST))
    if rng.random() < 0.12:
        image = image.convert("L")
    label = "compound_figure" if task.kind == "charts" else "figure"
    path = save(image, out, name, rng)
    group = f"{source}-{task.number:05d}"
    return Record(path, label, kind=kind, source=source, group=group, derived=True, licence="Apache-2.0")


def _derive(task: Task, rng: singles.Rng, out: Path, name: str) -> Record:
    """Makes an image of real or generated ones."""
    pictures = [singles.eight_bits(Image.open(out / parent.path)) for parent in task.parents]
    first = task.parents[0]
    radiology = any(parent.is_radiology for parent in task.parents)
    modalities = {parent.modality for parent in task.parents}
    if task.kind == "single radiology":
        image, done = singles.decorate(pictures[0], first.modality, rng)
        kind = f"single: {done}"
        modalities = {"DRCO"} if "PET over CT" in done else modalities
    elif task.kind == "single figure":
        image, kind = _figure(pictures[0], rng), first.kind
    else:
        image, done = _compound(task, pictures, rng, radiology)
        kind = f"tiling: {done}"
    if max(image.size) > LONGEST:
        image.thumbnail((LONGEST, LONGEST))
    return Record(
        path=save(image, out, name, rng),
        label=("compound_" if task.kind.startswith("compound") else "") + ("radiology" if radiology else "figure"),
        modality=modalities.pop() if len(modalities) == 1 else "",
        kind=kind,
        derived=True,
        **inherit(task.parents),
    )


def _figure(picture: Image.Image, rng: singles.Rng) -> Image.Image:
    """Another print of a figure: size, margins, a lone letter, marks."""
    picture = singles.fit(picture, rng, 300, 1200)
    if rng.random() < 0.4:
        picture = singles.frame(picture, rng)
    if rng.random() < 0.2:
        picture = singles.lone_letter(picture, rng)
    if rng.random() < 0.2:
        picture = marks.annotate(picture, rng, 2)
    return picture.convert("L") if rng.random() < 0.15 else picture


def _compound(task: Task, pictures: list[Image.Image], rng: singles.Rng, radiology: bool) -> tuple[Image.Image, str]:
    """Puts pictures together: as an inset, or as panels, where those of radiology are shown as authors show them."""
    if radiology and rng.random() < 0.06:
        return tiling.inset(pictures[0], pictures[1] if rng.random() < 0.5 else None, rng)
    common = rng.random() < 0.3
    shown = []
    for parent, picture in zip(task.parents, pictures, strict=True):
        if not parent.is_radiology:
            shown.append(picture)
        elif common or rng.random() < 0.5:
            shown.append(tiling.variant(picture, rng))
        else:
            shown.append(picture)
    return tiling.arrange(shown, rng, [parent.is_radiology for parent in task.parents])


def carry_out(tasks: Sequence[Task], out: Path, seed: int, jobs: int, font_folder: Path | None) -> list[Record]:
    """Carries out tasks in several processes; the records come in the order of the tasks."""
    work = partial(draw, out=out, seed=seed)
    if jobs == 1:
        prepare(font_folder)
        return [work(task) for task in tasks]
    with ProcessPoolExecutor(jobs, initializer=prepare, initargs=(font_folder,)) as pool:
        return list(pool.map(work, tasks, chunksize=16))


def make(
    out: Path, shared: Path | None, packages: Path | None, seed: int = 1, scale: float = 1.0, jobs: int = 1
) -> list[Record]:
    """Writes OUT/images and OUT/labels.csv; the same arguments and packages give the same files."""
    counts = {kind: round(count * scale) for kind, count in plan.COUNTS.items()}
    records = []
    if shared:
        data = shared / "data"
        records += copy(itertools.chain(real.labelled(data), real.radiology(data), real.articles(data)), out)
    if packages:
        records += unpack(out, packages)
    font_folder = packages / "fonts" if packages else None
    records += carry_out(plan.generated(counts), out, seed, jobs, font_folder)
    records += carry_out(plan.derived(records, counts, seed), out, seed, jobs, font_folder)
    write(records, out / "labels.csv")
    return records


def main() -> None:
    """Reads the command line, makes the material, prints how many images of each class there are."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, help="the folder to write; it must not exist")
    parser.add_argument(
        "--shared", type=Path, default=Path("../shared"), help="the folder of the real material, with data/"
    )
    parser.add_argument(
        "--packages", type=Path, default=Path("build/packages"), help="the folder of downloaded packages"
    )
    parser.add_argument("--without-packages", action="store_true", help="use no packages, and download none")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scale", type=float, default=1.0, help="the share of the derived images to make")
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    if args.out.exists():
        parser.error(f"{args.out} already exists; choose a new folder")
    if not (args.shared / "data" / "images" / "labels.csv").is_file():
        parser.error(f"no labelled images in {args.shared}: name the folder of the real material with --shared")
    records = make(
        args.out, args.shared, None if args.without_packages else args.packages, args.seed, args.scale, args.jobs
    )
    counts = Counter((record.label, "derived" if record.derived else "real") for record in records)
    for (label, origin), count in sorted(counts.items()):
        print(f"{count:6,} {label} ({origin})")


if __name__ == "__main__":
    main()
