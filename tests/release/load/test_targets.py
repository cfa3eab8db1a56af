"""Targets of several tasks in one call: classes, -1 without a label, and multi-hot concepts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import roco
from roco.release.load.targets import CLASSES, targets_of
from tests.sources.test_dataset import CHEST, CT, NODULE


def test_classes_are_positions_in_the_labels_and_minus_one_without_a_label(good: Path) -> None:
    data = roco.load(good)
    targets = data.targets()
    for kind in ("modality", "region", "direction"):
        expected = [-1 if label is None else CLASSES[kind].index(label) for label in data.column(kind).to_pylist()]
        assert getattr(targets, kind).tolist() == expected
        assert getattr(targets, kind).dtype == np.int64
    assert {"DRCT", "DRXR"} == {targets.classes["modality"][i] for i in targets.modality if i >= 0}


def test_the_classes_are_those_of_the_paper_in_a_fixed_order() -> None:
    assert CLASSES["modality"] == ("DRAN", "DRCO", "DRCT", "DRMR", "DRPE", "DRUS", "DRXR")
    assert [len(CLASSES[kind]) for kind in ("region", "direction")] == [8, 4]


def test_concepts_are_multi_hot_in_the_order_of_the_vocabulary(good: Path) -> None:
    data = roco.load(good)
    targets = data.targets()
    assert targets.concepts.shape == (12, len(data.vocabulary))
    for row, vector in zip(data, targets.concepts, strict=True):
        assert {targets.vocabulary.cuis[i] for i in np.flatnonzero(vector)} == set(row.concepts)
    assert targets.unknown == 0
    assert len(data[:0].targets()) == len(data[:0].targets().concepts) == 0


def test_concepts_outside_the_vocabulary_are_counted(rocov2: Path) -> None:
    targets = roco.load(rocov2).targets(roco.Vocabulary((NODULE, CHEST)))
    assert targets.concepts.tolist() == [[1, 1]] * 4
    assert targets.unknown == 4
    assert [targets.concepts_of(row).tolist() for row in range(4)] == [[1, 0]] * 4


def test_a_label_that_is_no_class_names_the_image() -> None:
    labels = {kind: pa.nulls(2, pa.string()) for kind in CLASSES} | {"modality": pa.array([None, "DRXX"])}
    concepts = pa.array([[CT], None], pa.list_(pa.string()))
    with pytest.raises(roco.DataError, match="image 'b': unknown modality 'DRXX'"):
        targets_of(labels, pa.array(["a", "b"]), concepts, roco.Vocabulary((CT,)))
