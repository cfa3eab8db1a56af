"""What is left of a sentence when its address is taken out."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.cases.conftest import Case

pytestmark = pytest.mark.shared

CT = "CT of the brain"


def test_captions_read_as_if_the_address_had_never_been_there(case: Callable[[str], Case]) -> None:
    assert [row["caption"] for row in case("07").figures("caption")] == [
        f"{CT} shows a cyst.",
        f"{CT} shows a cyst (enhanced online).",
        f"{CT} shows a cyst.",
        f"{CT}, read in Viewer 6. The cyst is bright.",
        f"{CT}, read with a tool, of the first patient.",
        f"{CT}.",
        f"{CT}. The cyst is bright.",
        f"{CT} (labels in Table 1; see Table 2).",
        f"{CT} shows a cyst.",
    ]
