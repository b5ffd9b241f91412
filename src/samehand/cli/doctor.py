"""The command that says what is installed here, what is missing, and how to get it: doctor."""

import json
import os
import platform
import re
import shutil
import sys
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

import typer

from samehand.cli.listing import print_fitted
from samehand.cli.options import AsJson
from samehand.errors import SamehandError

PURPOSES = {
    "gallery": "approximate search in galleries of several 100,000 works",
    "excel": "answers and galleries as .xlsx files",
    "lance": "galleries on a shared folder or an object store (gallery)",
    "ray": "embedding on a cluster, and to and from object stores (embed)",
    "formats": "HEIC, JPEG XL, and the TIFFs of scanners and laboratories",
    "evaluate": "error rates and their pictures (evaluate)",
    "fetch": "collections on the web (fetch)",
    "report": "reports (report)",
    "hub": "models from the Hugging Face hub, by name (push)",
    "train": "training and exporting (train, export); about 1 GB",
    "web": "the pages and the API (serve)",
    "mcp": "answers for assistants, over MCP",
}
"""What each optional set of packages is for, in the order in which it is shown."""


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was looked at.

    Attributes:
        name: What it is.
        text: What was found.
        fix: What to type where something is missing; empty where nothing is.
        broken: Whether samehand cannot answer because of it.
    """

    name: str
    text: str
    fix: str = ""
    broken: bool = False


def doctor(as_json: AsJson = False) -> None:
    """Say what is installed here, what is missing, and how to install it."""
    lines = [*_versions(), *_models(), *_extras(), *_folders(), *_processors()]
    if as_json:
        print(json.dumps([asdict(line) for line in lines], indent=2))
    else:
        for line in lines:
            print_fitted(f"{line.name:<12}{line.text}")
            if line.fix:
                print(f"{'':<12}-> {line.fix}")
    if any(line.broken for line in lines):
        raise typer.Exit(2)


def version_line() -> str:
    """Return samehand's version, and the error rate of the model that ships with it."""
    from samehand.model.folder import open_model

    number = metadata.version("samehand")
    try:
        folder = open_model(None)
    except SamehandError as error:
        return f"samehand {number}; its model cannot be used: {error}"
    calibration = folder.config.calibration
    return (
        f"samehand {number}\nmodel {folder.identity}: error rate "
        f"{calibration.points['eer'].error_rate:.1%} on {calibration.artists} artists it had "
        "never seen, of all kinds of pictures together; every verdict states its own kind's"
    )


def _versions() -> list[Line]:
    return [
        Line("samehand", f"{metadata.version('samehand')}, in {Path(__file__).parents[1]}"),
        Line("python", f"{platform.python_version()} on {platform.platform(terse=True)}"),
    ]


def _models() -> list[Line]:
    """Open every built-in model, which checks its files against their hashes."""
    from samehand.model.folder import BUILT_IN, CONFIG, default_model, open_model

    found = []
    for path in sorted(BUILT_IN.glob(f"*/{CONFIG}")):
        name = path.parent.name
        default = name == default_model()
        try:
            folder = open_model(path.parent)
        except SamehandError as error:
            fix = "install samehand again: pip install --force-reinstall ."
            found.append(Line("model", str(error), fix, broken=default))
            continue
        used = " (used where no --model is given)" if default else ""
        found.append(Line("model", f"{folder.identity}, whole{used}"))
    return found


def required(extra: str) -> list[str]:
    """Return the packages that an optional set asks for, those of sets it includes as well."""
    names = []
    for requirement in metadata.requires("samehand") or []:
        name, _, marker = requirement.partition(";")
        if not re.search(rf"""extra\s*==\s*["']{extra}["']""", marker):
            continue
        package = re.match(r"[\w.-]+", name.strip())
        assert package is not None
        inner = re.search(r"\[([\w,-]+)\]", name)
        if package.group() == "samehand" and inner is not None:
            for one in inner.group(1).split(","):
                names += required(one)
        else:
            names.append(package.group())
    return list(dict.fromkeys(names))


def _installed(package: str) -> bool:
    try:
        metadata.version(package)
    except metadata.PackageNotFoundError:
        return False
    return True


def _extras() -> list[Line]:
    lines = []
    for extra, purpose in PURPOSES.items():
        missing = [package for package in required(extra) if not _installed(package)]
        if not missing:
            lines.append(Line(f"[{extra}]", f"installed: {purpose}"))
            continue
        lines.append(
            Line(
                f"[{extra}]",
                f"missing ({', '.join(missing[:3])}{', ...' * (len(missing) > 3)}): {purpose}",
                f"pip install '.[{extra}]'",
            )
        )
    return lines


def _folders() -> list[Line]:
    from samehand.gallery.places import home, known_galleries
    from samehand.model.embed import default_cache

    cache = default_cache()
    size = sum(path.stat().st_size for path in cache.rglob("*") if path.is_file())
    lines = [
        Line("cache", f"{cache}, {size / 1e6:,.0f} MB; delete it at will"),
        Line("galleries", f"{home() / 'galleries'}, {len(known_galleries())} of them"),
    ]
    existing = next(path for path in (cache, *cache.parents) if path.exists())
    free = shutil.disk_usage(existing).free / 1e9
    full = "free some: embeddings and galleries are written there" if free < 1 else ""
    return [*lines, Line("disk", f"{free:,.1f} GB free beside the cache", full)]


def _processors() -> list[Line]:
    import onnxruntime

    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    lines = [
        Line("threads", f"{usable} cores usable; --threads takes fewer"),
        Line("inference", f"ONNX Runtime {onnxruntime.__version__}, on the CPU"),
    ]
    if not _installed("torch"):
        return [*lines, Line("training", "without PyTorch, see [train] above")]
    print("asking PyTorch for a GPU", file=sys.stderr)
    import torch

    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU that it can use"
    return [*lines, Line("training", f"PyTorch {torch.__version__}, {gpu}")]
