"""Facts to a page: templates, and what is needed to reproduce a report."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from samehand.errors import MissingExtraError
from samehand.files import sha256_file
from samehand.model.background import BACKGROUND
from samehand.model.folder import CONFIG, ModelFolder
from samehand.versions import versions

_TEMPLATES = Path(__file__).parent / "templates"


def render(template: str, facts: Mapping[str, Any]) -> str:
    """Fill a template; whatever text the facts hold is escaped.

    Args:
        template: A file of `templates/`.
        facts: What the template names.

    Raises:
        MissingExtraError: Jinja2 is not installed.
    """
    try:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined
    except ImportError as error:
        raise MissingExtraError("a report", "report") from error
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(facts)


def provenance(folder: ModelFolder) -> list[tuple[str, str]]:
    """Return name and value of all that decides a verdict, besides the images."""
    training = folder.config.training
    rows = [("model", folder.identity), (CONFIG, sha256_file(folder.path / CONFIG))]
    rows += sorted(folder.config.files.items())
    if (folder.path / BACKGROUND).is_file():
        rows.append((BACKGROUND, sha256_file(folder.path / BACKGROUND)))
    rows += [
        (name, training[key])
        for name, key in (
            ("training catalogue", "catalogue_sha256"),
            ("calibration protocol", "calibration_sha256"),
        )
        if key in training
    ]
    used = versions()
    rows.append(
        ("versions", ", ".join(f"{name} {used[name]}" for name in _DECISIVE if name in used))
    )
    return rows


_DECISIVE = ("samehand", "python", "numpy", "pillow", "onnxruntime", "machine")
