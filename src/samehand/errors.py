"""The one exception tree.

    SamehandError                 every mistake a user can make; the command line exits with 2
    ├── ImageError                a file that is not a readable image
    ├── CatalogueError            a data source or catalogue that cannot be used
    ├── ProtocolError             a pair list that cannot be used, or belongs to other data
    ├── RecipeError               a training recipe that cannot be run
    ├── ModelError                a model folder that is missing, damaged or of another version
    ├── GalleryError              a gallery that is missing, damaged or of another model
    ├── MissingExtraError         a command whose optional packages are not installed
    └── OutputError               a result that cannot be written

Each message is one sentence that names the file and the fix, and is shown without a traceback.
"""


class SamehandError(Exception):
    """A mistake the user can mend; the message is one clear sentence that says how."""


class ImageError(SamehandError):
    """A file that cannot be read as a painting."""


class CatalogueError(SamehandError):
    """A data source or a catalogue that cannot be used."""


class ProtocolError(SamehandError):
    """A list of pairs that cannot be used, or that belongs to other data."""


class RecipeError(SamehandError):
    """A training recipe, or a run made from one, that cannot be used."""


class ModelError(SamehandError):
    """A model folder that is missing, damaged, or made by another version."""


class GalleryError(SamehandError):
    """A gallery that is missing, damaged, or made with another model."""


class MissingExtraError(SamehandError):
    """Optional packages that a command needs and that are not installed."""

    def __init__(self, task: str, extra: str) -> None:
        super().__init__(
            f"{task} needs the optional packages of samehand[{extra}]; "
            f"from a checkout: pip install '.[{extra}]'"
        )


class OutputError(SamehandError):
    """A result that cannot be written."""
