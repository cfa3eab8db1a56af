"""Values of flags are checked against the release; an unknown one is an error with the nearest name."""

from __future__ import annotations

from pathlib import Path

import pytest

from roco.base.errors import DataError, UsageError
from roco.release.read import Release
from roco.release.select.flags import SelectOptions
from roco.release.select.selection import choose
from roco.release.select.values import checked, concepts

CT, CHEST = "C0040405", "C0817096"


@pytest.mark.parametrize(
    ("flags", "message", "hint"),
    [
        (SelectOptions(modality=("CT",)), "unknown modality 'CT' (--modality)", "did you mean 'DRCT'?"),
        (SelectOptions(region=("chets",)), "unknown region 'chets' (--region)", "did you mean 'chest'?"),
        (SelectOptions(direction=("coronal",)), "unknown direction 'coronal' (--direction)", "did you mean 'coronal_"),
        (SelectOptions(license=("CC-BYE",)), "unknown licence 'CC-BYE' (--license)", "did you mean 'CC-BY'?"),
        (SelectOptions(split=("validation",)), "unknown split 'validation' (--split)", "did you mean 'valid'?"),
        (SelectOptions(language=("eng",)), "unknown language 'eng' (--language)", "did you mean 'en'?"),
        (
            SelectOptions(concept=("C0040406",)),
            "no image has the concept 'C0040406' (--concept)",
            f"did you mean {CT} (X-Ray",
        ),
        (SelectOptions(concept=("Chets",)), "unknown concept 'Chets' (--concept)", f"did you mean {CHEST} (Chest)?"),
    ],
)
def test_an_unknown_value_is_an_error_with_the_nearest(
    release: Release, flags: SelectOptions, message: str, hint: str
) -> None:
    with pytest.raises(UsageError) as error:
        choose(release, flags)
    assert error.value.message == message
    assert error.value.hint.startswith(hint)


def test_values_are_written_in_any_case_and_licences_as_people_write_them(release: Release) -> None:
    flags = checked(release, SelectOptions(modality=("drct",), license=("cc by-nc",), split=("TRAIN",)))
    assert (flags.modality, flags.license, flags.split) == (("DRCT",), ("CC-BY-NC",), ("train",))


def test_a_known_licence_that_no_image_has_selects_nothing(release: Release) -> None:
    assert choose(release, SelectOptions(license=("CC0",))).ids == []


def test_a_concept_is_a_cui_or_a_name_in_any_case(release: Release) -> None:
    assert concepts(release, [CT], None) == concepts(release, ["x-ray COMPUTED tomography"], None) == {CT}
    assert concepts(release, [], None) is None


def relations(folder: Path, text: str) -> Path:
    path = folder / "relations.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_descendants_of_any_depth_count_and_cycles_end(release: Release, tmp_path: Path) -> None:
    file = relations(tmp_path, f"child,parent\nC9000002,C9000001\n{CT},C9000002\nC9000001,{CT}\nC9000007,C9000003\n")
    assert concepts(release, ["C9000001"], file) == {CT}
    with pytest.raises(UsageError, match="no image has the concept 'C9000003' or one of its descendants"):
        concepts(release, ["C9000003"], file)


def test_with_descendants_selects_every_image_that_one_of_them_selects(release: Release, tmp_path: Path) -> None:
    file = relations(tmp_path, f"parent,child,source\nC9000001,{CT},x\nC9000001,{CHEST},x\n")
    every = choose(release, SelectOptions(concept=("C9000001",)), file).ids
    assert set(every) == {
        *choose(release, SelectOptions(concept=(CT,))).ids,
        *choose(release, SelectOptions(concept=(CHEST,))).ids,
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("child,paren\nC0000001,C0000002\n", "line 1: missing column 'parent'"),
        ("child,parent\nC1,C0000002\n", "line 2: invalid CUI 'C1'"),
        ("", "line 1: missing column 'child'"),
    ],
)
def test_an_invalid_file_of_relations_is_an_error_with_its_line(
    release: Release, tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        concepts(release, [CT], relations(tmp_path, text))


def test_a_file_of_relations_without_a_concept_is_an_error(release: Release, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--with-descendants without --concept"):
        choose(release, SelectOptions(), tmp_path / "relations.csv")
