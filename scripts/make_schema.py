"""Write the JSON Schema of every answer from its dataclass: python scripts/make_schema.py."""

import json
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from samehand import results
from samehand.files import write_text
from samehand.results.schema import SCHEMA


def answers_schema() -> dict[str, Any]:
    """Return the schema of every answer, as `samehand ... --json` prints it."""
    names = [name for name in results.__all__ if isinstance(getattr(results, name), type)]
    kinds = [
        (name, "serialization", TypeAdapter(getattr(results, name)))
        for name in names
        if name != "Answer"
    ]
    _, described = TypeAdapter.json_schemas(kinds)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Answers of samehand",
        "version": results.ANSWERS_VERSION,
        "$defs": described["$defs"],
    }


def text() -> str:
    """Return the file's content."""
    return json.dumps(answers_schema(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    write_text(Path(SCHEMA), text())
    print(f"wrote {SCHEMA}")
