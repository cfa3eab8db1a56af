"""Parses JSON that may come from outside."""

from __future__ import annotations

import json
from typing import Any


def parse_json(text: str | bytes, **options: Any) -> Any:
    """Returns the value of a JSON text; options: as of `json.loads`.

    Raises ValueError if it is not JSON, also if values are nested too deeply, for which Python raises RecursionError.
    """
    try:
        return json.loads(text, **options)
    except RecursionError as err:
        raise ValueError("nested too deeply") from err
