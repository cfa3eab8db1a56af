"""Tests of phrases that hide names: the whole shipped table."""

from __future__ import annotations

import pytest

from roco.models.text.linking.dictionary import Dictionary
from roco.models.text.linking.hidden_phrases import Group, groups
from tests.models.text.linking.vocabularies import vocabulary


@pytest.mark.parametrize("group", groups(), ids=lambda group: group.reason)
def test_nothing_is_linked_in_a_phrase_unless_it_is_a_name(group: Group) -> None:
    linker = Dictionary(vocabulary(*group.hides))
    hidden = [phrase for phrase in group.phrases if phrase not in group.hides]
    assert [phrase for phrase in hidden if linker.link([f"seen {phrase} there"]) != [[]]] == []
    known = Dictionary(vocabulary(*dict.fromkeys((*group.hides, *group.phrases))))
    assert all([mention.text for mention in known.link([phrase])[0]] == [phrase] for phrase in hidden)


@pytest.mark.parametrize("group", groups(), ids=lambda group: group.reason)
def test_a_name_outside_of_the_phrases_is_linked(group: Group) -> None:
    linker = Dictionary(vocabulary(*group.hides))
    for name in group.hides:
        if name not in group.phrases and name != "AP":
            assert linker.link([f"seen {name} there"])[0][0].text == name
