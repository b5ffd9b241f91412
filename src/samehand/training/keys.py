"""The keys of recipes: all there are, the likeliest one meant, and changes from outside."""

import difflib
import re
import tomllib
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Any, get_args, get_type_hints

from pydantic import BaseModel

from samehand.errors import RecipeError

UNKNOWN_KEY = ("extra_forbidden", "unexpected_keyword_argument")
"""What pydantic calls a key that a model, or a dataclass, does not have."""


def keys_of(section: type, before: str = "") -> Iterator[tuple[str, type]]:
    """Yield every key of a recipe, as "optimiser.head_rate", with the class that describes it."""
    hints = get_type_hints(section)
    names = (
        [field.name for field in fields(section)]
        if is_dataclass(section)
        else list(section.model_fields)  # type: ignore[attr-defined]
    )
    for name in names:
        inner = next(
            (
                one
                for one in (hints[name], *get_args(hints[name]))
                if isinstance(one, type) and (is_dataclass(one) or issubclass(one, BaseModel))
            ),
            None,
        )
        yield before + name, section
        if inner is not None:
            yield from keys_of(inner, f"{before}{name}.")


def closest_key(wanted: str, section: type) -> str | None:
    """Return the key of a recipe that was likely meant, or None.

    A key of the stages is returned with the first one's place: "stages.0.epochs".
    """
    # A stage's place in the list is no part of a key's name.
    plain = ".".join(part for part in wanted.split(".") if not part.isdigit())
    names = [name for name, _ in keys_of(section)]
    # The right name in the wrong table is likelier meant than a name spelt alike.
    leaf = plain.rpartition(".")[2]
    close = [name for name in names if name.rpartition(".")[2] == leaf]
    close = close or difflib.get_close_matches(plain, names, 1, 0.7)
    if not close:
        return None
    return re.sub(r"^stages\.", "stages.0.", close[0])


def change_key(values: dict[str, Any], change: str) -> None:
    """Set the key that "key=value" names, in the table that a recipe's TOML makes.

    Args:
        values: The table; it is changed.
        change: As "optimiser.head_rate=1e-3"; what cannot be read as a TOML value is text.

    Raises:
        RecipeError: It is not of that form, or its key leads nowhere.
    """
    key, equals, text = change.partition("=")
    *tables, last = key.strip().split(".")
    if not equals or not last:
        raise RecipeError(f"--set {change} should say key=value, as optimiser.head_rate=1e-3")
    inner: Any = values
    try:
        for name in tables:
            inner = inner[int(name)] if isinstance(inner, list) else inner.setdefault(name, {})
        place: Any = int(last) if isinstance(inner, list) else last
        inner[place] = _value(text.strip())
    except (ValueError, IndexError, TypeError, AttributeError) as error:
        raise RecipeError(
            f"--set {change} names no place in the recipe; stages are counted from 0, as in "
            "stages.0.epochs=2"
        ) from error


def _value(text: str) -> Any:  # noqa: ANN401
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
