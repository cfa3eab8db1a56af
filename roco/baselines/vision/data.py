"""The training and validation images of several tasks, with their labels: of a release, of a folder, or of both."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from roco.base import bootstrap
from roco.base.errors import DataError, UsageError, nearest
from roco.base.terminal import excerpt
from roco.baselines.scores import Truth, articles_of, secondary_truth_of, truth_of
from roco.baselines.training.data import DataFacts, with_images
from roco.baselines.vision.images import AllImages, FolderImages, Images, ReleaseImages
from roco.baselines.vision.labels import FolderLabels, LabelFile, check_labelled, folder_labels
from roco.release.load.dataset import Dataset, load
from roco.release.load.targets import CLASSES, TASKS, UNLABELLED, Targets, flags
from roco.release.load.vocabulary import Vocabulary

CONCEPTS = "concepts"


@dataclass(frozen=True)
class Labelled:
    """Images with the labels of all tasks.

    classes: the class of each image by task, -1 without a label. concepts: the targets of the first images, those of a
    release; the others, of a folder, have none. articles: the number of the article, or of the group, of each image.
    """

    images: Images
    classes: Mapping[str, NDArray[np.int64]]
    concepts: Targets | None
    articles: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.images)

    @property
    def n_with_concepts(self) -> int:
        """Returns how many images, the first ones, have concepts as their labels."""
        return 0 if self.concepts is None else len(self.concepts)

    def concept_flags(self, position: int) -> NDArray[np.float32]:
        """Returns the multi-hot concepts of an image; zeros if its concepts are unknown."""
        assert self.concepts is not None
        size = len(self.concepts.vocabulary)
        return flags(self.concepts.concepts_of(position) if position < len(self.concepts) else (), size)


@dataclass(frozen=True)
class ConceptTruth:
    """The true concepts of all validation rows, also of those whose image is missing, for their F1.

    rows: of each validation image with concepts, the position of its row.
    """

    all: Truth
    manual: Truth
    articles: NDArray[np.int64]
    rows: NDArray[np.int64]


@dataclass(frozen=True)
class TaskData:
    """What a network is trained and validated on. names: of the classes of each task, or the CUIs of the concepts."""

    names: Mapping[str, tuple[str, ...]]
    vocabulary: Vocabulary | None
    train: Labelled
    valid: Labelled
    truth: ConceptTruth | None
    facts: DataFacts
    final: bool


def open_data(
    path: Path, tasks: Sequence[str], files: Sequence[LabelFile] = (), folder: Path | None = None, final: bool = False
) -> TaskData:
    """Returns the images and labels of tasks; raises UsageError for an unknown task, DataError for missing labels.

    path: a release, or, where all tasks are of label files by path, the folder of their images. folder: that of the
    images that label files name by path, besides the release. final: validation images are trained on as well.
    """
    of_file = {file.task: file for file in files}
    for task in tasks:
        if task not in (*TASKS, *of_file):
            raise UsageError(f"unknown task '{excerpt(task)}'", nearest(task, (*TASKS, *of_file)))
    for unused in of_file.keys() - set(tasks):
        raise UsageError(f"--labels {unused}: not one of the tasks", f"add it: --tasks {','.join((*tasks, unused))}")
    by_path = [file for file in files if file.key == "path"]
    only_folder = len(by_path) == len(tasks) and folder is None
    data = None if only_folder else load(path)
    parts = {split: [] for split in ("train", "valid")}  # type: dict[str, list[Labelled]]
    names = {task: of_file[task].classes if task in of_file else CLASSES.get(task, ()) for task in tasks}
    vocabulary, truth = None, None
    if data is not None:
        if CONCEPTS in tasks:
            vocabulary = _vocabulary(data, final)
            names[CONCEPTS] = vocabulary.cuis
        for split, rows in _rows(data, final).items():
            parts[split].append(_of_release(rows, tasks, of_file, vocabulary))
        valid = _split(data, "valid")
        if vocabulary is not None and len(valid) and not final:
            truth = _truth(valid, vocabulary)
        facts = DataFacts.of(data, vocabulary)
    if by_path:
        labelled = folder_labels(by_path, folder or path)
        for split, chosen in (("train", ~labelled.held_out | final), ("valid", labelled.held_out & (not final))):
            parts[split].append(_of_folder(labelled, chosen, folder or path, tasks, of_file))
        if data is None:
            facts = _facts_of_folder(path, labelled, by_path)
    train, valid_part = _together(parts["train"], tasks), _together(parts["valid"], tasks)
    check_labelled(train.classes, str(path))
    return TaskData(names, vocabulary, train, valid_part, truth, facts, final)


def _split(data: Dataset, *splits: str) -> Dataset:
    return data.filter(split=list(splits))


def _rows(data: Dataset, final: bool) -> dict[str, Dataset]:
    """Returns the rows of train and valid that have an image."""
    train = with_images(_split(data, "train", "valid") if final else _split(data, "train"), "train")
    valid = _split(data, "valid")
    n_images = sum(id in data.figures.image_files() for id in valid.column("id").to_pylist())
    return {"train": train, "valid": valid[:0] if final or not n_images else with_images(valid, "valid")}


def _vocabulary(data: Dataset, final: bool) -> Vocabulary:
    if not len(_split(data, "train")):
        raise DataError(f"no images in train ({data.figures.path})", "give a release with a training set")
    known = "concepts" in data.columns
    rows = _split(data, "train", "valid").column("concepts").to_pylist() if known and final else []
    vocabulary = Vocabulary.of(cuis or () for cuis in rows) if rows else data.vocabulary if known else Vocabulary(())
    if not len(vocabulary):
        hint = "add concepts to the release, or choose other tasks, such as --tasks modality"
        raise DataError(f"no training image has concepts ({data.figures.path})", hint)
    return vocabulary


def _truth(valid: Dataset, vocabulary: Vocabulary) -> ConceptTruth:
    files = valid.figures.image_files()
    rows = [row for row, id in enumerate(valid.column("id").to_pylist()) if id in files]
    manual = valid.column("concepts_manual" if "concepts_manual" in valid.columns else "concepts").to_pylist()
    return ConceptTruth(
        truth_of((cuis or () for cuis in valid.column("concepts").to_pylist()), vocabulary),
        secondary_truth_of((cuis or () for cuis in manual), vocabulary),
        articles_of(valid),
        np.array(rows, np.int64),
    )


def _of_release(
    rows: Dataset, tasks: Sequence[str], files: Mapping[str, LabelFile], vocabulary: Vocabulary | None
) -> Labelled:
    targets = rows.targets(vocabulary or Vocabulary(()))
    ids = rows.column("id").to_pylist()
    classes = {}
    for task in tasks:
        if task in CLASSES:
            classes[task] = getattr(targets, task)
        elif task in files:
            by_id = files[task].key == "id"
            classes[task] = files[task].classes_of(ids) if by_id else np.full(len(ids), UNLABELLED)
    return Labelled(ReleaseImages(rows), classes, None if vocabulary is None else targets, articles_of(rows))


def _of_folder(
    labelled: FolderLabels,
    chosen: NDArray[np.bool_],
    folder: Path,
    tasks: Sequence[str],
    files: Mapping[str, LabelFile],
) -> Labelled:
    paths = tuple(path for path, one in zip(labelled.paths, chosen, strict=True) if one)
    classes = {}
    for task in tasks:
        if task != CONCEPTS:
            by_path = task in files and files[task].key == "path"
            classes[task] = files[task].classes_of(paths) if by_path else np.full(len(paths), UNLABELLED)
    groups = [group for group, one in zip(labelled.groups, chosen, strict=True) if one]
    return Labelled(FolderImages(folder, paths), classes, None, bootstrap.groups_of(groups))


def _together(parts: Sequence[Labelled], tasks: Sequence[str]) -> Labelled:
    """Returns the images of a release, and after them those of a folder."""
    if len(parts) == 1:
        return parts[0]
    first, second = parts
    classes = {task: np.concatenate([part.classes[task] for part in parts]) for task in tasks if task != CONCEPTS}
    offset = int(first.articles.max(initial=-1)) + 1
    articles = np.concatenate([first.articles, second.articles + offset])
    return Labelled(AllImages([part.images for part in parts]), classes, first.concepts, articles)


def _facts_of_folder(path: Path, labelled: FolderLabels, files: Sequence[LabelFile]) -> DataFacts:
    from roco.base.files import digest, file_digest

    n_valid = int(labelled.held_out.sum())
    stamps = [(name, (path / name).stat().st_size) for name in labelled.paths]
    return DataFacts(
        path=str(path),
        digest=digest([stamps, [file_digest(file.path) for file in files]]),
        rows={"train": len(labelled.paths) - n_valid, "valid": n_valid},
        without_image=(),
        images_without_row=(),
        unknown_concepts={},
    )


def with_facts_of_labels(facts: DataFacts, files: Sequence[LabelFile]) -> DataFacts:
    """Returns facts whose digest covers the label files as well."""
    from roco.base.files import digest, file_digest

    if not files:
        return facts
    return dataclasses.replace(facts, digest=digest([facts.digest, [file_digest(file.path) for file in files]]))
