"""The case that a report belongs to: a TOML file that its first page shows.

object = "Landscape with a mill"
accession_number = "1903.12"
photographs = "both by the museum's studio, 2024, raking light excluded"
question = "Is the landscape by the painter of the two harbour scenes?"
material_seen = "photographs only"
operator = "A. Reader"
second_reader = "B. Reader, who had not seen the figure"
retention = "until 2036, in the object's file"
"""

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path

from samehand.errors import SamehandError

_HEADINGS = {
    "object": "object",
    "accession_number": "accession number",
    "photographs": "photographs, and who took them",
    "question": "question",
    "material_seen": "material seen",
    "operator": "operator",
    "second_reader": "second reader",
    "retention": "kept",
}


@dataclass(frozen=True, slots=True)
class Case:
    """What stands on the first page; whatever is empty is left out.

    Attributes:
        object: What is in question.
        accession_number: The collection's number for it.
        photographs: Which photographs, and who took them.
        question: What was asked.
        material_seen: What the operator saw: photographs, or the works themselves.
        operator: Who asked samehand.
        second_reader: Who compared as well, and whether that person knew the figure.
        retention: How long and where the report is kept.
    """

    object: str = ""
    accession_number: str = ""
    photographs: str = ""
    question: str = ""
    material_seen: str = ""
    operator: str = ""
    second_reader: str = ""
    retention: str = ""

    def rows(self) -> list[tuple[str, str]]:
        """Return heading and text of each line that is not empty."""
        return [
            (_HEADINGS[one.name], getattr(self, one.name))
            for one in fields(self)
            if getattr(self, one.name)
        ]


def read_case(path: Path) -> Case:
    """Read a case file.

    Args:
        path: A TOML file whose keys are fields of `Case`, each a text.

    Raises:
        SamehandError: It cannot be read, or says something else.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SamehandError(f"cannot read {path}: {error.strerror}; name a case file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SamehandError(f"{path} is not a TOML file: {error}; correct that line") from error
    unknown = sorted(set(values) - set(_HEADINGS))
    if unknown:
        raise SamehandError(
            f"{path} has the unknown key {', '.join(unknown)}; a case file may have "
            f"{', '.join(_HEADINGS)}"
        )
    wrong = [key for key, value in values.items() if not isinstance(value, str)]
    if wrong:
        raise SamehandError(f"{path}: {wrong[0]} should be a text in quotation marks")
    return Case(**{key: value.strip() for key, value in values.items()})
