"""What every answer can do."""

import html
from dataclasses import fields
from typing import Any, ClassVar

from samehand.codec import encode

Grid = tuple[tuple[float, ...], ...]
"""A map of G x G cells, row by row from the top."""

_LONGEST = 40
"""So many letters of a text are shown in a short look."""


class Answer:
    """Base of every answer: JSON-ready values, and a short look in a terminal or a notebook."""

    __slots__ = ()
    # The OpenAPI document describes each field by the text beneath it.
    __pydantic_config__: ClassVar[dict[str, Any]] = {"use_attribute_docstrings": True}

    def to_dict(self) -> dict[str, Any]:
        """Return the answer as JSON-ready values."""
        values: dict[str, Any] = encode(self)
        return values

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={text}" for name, text in _facts(self))
        return f"{type(self).__name__}({shown})"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><th>{html.escape(name)}</th><td>{html.escape(text)}</td></tr>"
            for name, text in _facts(self)
        )
        return f"<table><caption>{type(self).__name__}</caption>{rows}</table>"


def _facts(answer: Answer) -> list[tuple[str, str]]:
    """Return name and value of each field that says something; long ones are only counted."""
    found = []
    for one in fields(answer):  # type: ignore[arg-type]
        value = getattr(answer, one.name)
        if value is None or value == ():
            continue
        if isinstance(value, float):
            text = f"{value:.4g}"
        elif isinstance(value, tuple | dict):
            text = f"<{len(value)}>"
        elif isinstance(value, Answer):
            text = "<...>"
        else:
            text = repr(_short(value)) if isinstance(value, str) else str(value)
        found.append((one.name, text))
    return found


def _short(text: str) -> str:
    """Return a text, or its beginning where it is a whole sentence."""
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
