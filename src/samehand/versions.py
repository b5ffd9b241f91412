"""The versions that a figure or a model depends on."""

import platform
from importlib.metadata import PackageNotFoundError, version

_PACKAGES = (
    "samehand",
    "numpy",
    "pillow",
    "onnxruntime",
    "torch",
    "transformers",
    "pytorch-metric-learning",
)


def versions() -> dict[str, str]:
    """Return the version of each package that is installed, and of Python."""
    found = {"python": platform.python_version(), "machine": platform.machine()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
