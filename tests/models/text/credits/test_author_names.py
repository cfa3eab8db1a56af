"""Names in a credit, compared with the authors of the article."""

from __future__ import annotations

import pytest

from roco.models.text.credits.author_names import names_author

AUTHORS = (
    "Müller, Eva", "dos Santos, Igor", "García López, Juan", "An, Kim", "Smith-Jones, Ann B.", "Zhang, Li",
    "Brown, Carl D., Jr", "Davis III, John", "WHO Study Group", "O'Brien, Pat", "van der Berg, Tom",
)  # fmt: skip


@pytest.mark.parametrize(
    "credit",
    [
        "courtesy of Dr. E. Muller",
        "Copyright ©2017 Müller et al",
        "Photo: Müller",
        "Photo by Eva Maria Müller",
        "I. Santos",
        "Juan García",
        "Prof. Smith-Jones",
        "Carl D. Brown Jr",
        "C. D. Brown, Jr.",
        "CD Brown",
        "John Davis III",
        "J. Davis",
        "Source: WHO Study Group",
        "Pat O’Brien",
        "T. Berg",
        "Li Zhang, MD",
        "Zhang L",
        "courtesy of E.M.",
        "courtesy of EM",
        "Hans Müller and Eva Müller",
    ],
)
def test_an_author_is_recognised_by_surname_given_name_and_initials(credit: str) -> None:
    assert names_author(credit, AUTHORS)


@pytest.mark.parametrize(
    "credit",
    [
        "by Dr Hans Müller",
        "Wei Zhang",
        "Zhang W",
        "Robert Davis",
        "an expert",
        "García",
        "by E. M. Forster",
        "courtesy of CT",
        "Example Press",
        "",
    ],
)
def test_another_person_with_the_same_surname_or_no_name_at_all_is_no_author(credit: str) -> None:
    assert not names_author(credit, AUTHORS)


def test_an_author_without_given_names_is_recognised_by_the_surname() -> None:
    assert names_author("Photo by Jane Doe", ["Doe"])
    assert not names_author("Photo by Jane Doe", ["", "Jr", ", Jane"])
