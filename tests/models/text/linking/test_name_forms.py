"""Tests of the forms of names."""

from __future__ import annotations

import pytest

from roco.models.text.linking.name_forms import forms


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("Effusion, Pleural", "Pleural Effusion"),
        ("pleural effusion", "effusion of the pleura"),
        ("pleural effusion", "effusion of pleura"),
        ("Fracture of femur", "femoral fracture"),
        ("femoral fracture", "femur fracture"),
        ("femoral fracture", "fracture of the left femur"),
        ("Stenosis, Renal Artery", "stenosis of the right renal artery"),
        ("pulmonary artery dilatation", "dilatation of the pulmonary artery"),
        ("stenosis of renal artery", "renal artery stenosis"),
        ("Carcinoma, Renal Cell", "Renal Cell Carcinoma"),
        ("Lymphoma, Large B-Cell, Diffuse", "Diffuse Large B-Cell Lymphoma"),
        ("dissection of aorta", "dissection of the aorta"),
        ("Pneumonia (disorder)", "Pneumonia"),
        ("Pneumonia, NOS", "Pneumonia"),
        ("Stroke [Disease/Finding]", "Stroke"),
    ],
)
def test_a_name_has_another_form(name: str, form: str) -> None:
    assert form in forms(name)
    assert forms(name)[0] == name


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("renal artery", "artery of the kidney"),
        ("renal pelvis", "pelvis of the kidney"),
        ("pain, without fever", "without fever pain"),
        ("2,4-dinitrophenol", "4-dinitrophenol 2"),
        ("bone and joint, infected", "infected bone and joint"),
        ("bronchus of lung", "lung bronchus"),
    ],
)
def test_parts_are_not_exchanged_where_the_meaning_would_change(name: str, form: str) -> None:
    assert form not in forms(name)
