"""The JSON Schema of every answer, published with the package."""

import json
from pathlib import Path
from typing import Any

from samehand.errors import SamehandError

SCHEMA = Path(__file__).with_name("answers.schema.json")
"""Made from the dataclasses by scripts/make_schema.py."""


def answers_schema(name: str | None = None) -> dict[str, Any]:
    """Return the schema of one answer, or of all of them.

    Args:
        name: The answer's class, such as "Verdict"; None for all, each below `$defs`.

    Raises:
        SamehandError: There is no such answer.
    """
    whole: dict[str, Any] = json.loads(SCHEMA.read_text(encoding="utf-8"))
    if name is None:
        return whole
    if name not in whole["$defs"]:
        raise SamehandError(
            f"there is no answer {name!r}; choose one of {', '.join(sorted(whole['$defs']))}"
        )
    return whole | {"title": name, "$ref": f"#/$defs/{name}"}
