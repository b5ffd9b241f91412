"""A pairwise head in ONNX Runtime: two encodings in, the logit of one artist out."""

from pathlib import Path

import numpy as np

from samehand.errors import ModelError
from samehand.model.runtime import open_graph, run_graph
from samehand.records import Floats


class OnnxHead:
    """Scores pairs of encodings on the CPU; it is a `scoring.comparator.PairHead`."""

    def __init__(self, path: Path, threads: int | None = None) -> None:
        """Load the graph.

        Args:
            path: The head.onnx of a model folder.
            threads: CPU threads; None for all there are.

        Raises:
            ModelError: The graph cannot be loaded, or is not a head.
        """
        self._path = path
        self._session = open_graph(path, threads)
        inputs = {node.name: node.shape[1:] for node in self._session.get_inputs()}
        match inputs:
            case {"left": [int(left)], "right": [int(right)]} if left == right:
                self.width = left
            case _:
                raise ModelError(
                    f"{path} does not map two encodings to one logit; export the model again"
                )

    def __call__(self, left: Floats, right: Floats) -> Floats:
        """Return the logit of each pair, (M,), of encodings of shape (M, E).

        Raises:
            ModelError: The graph fails.
        """
        inputs = {
            "left": left.astype(np.float16, copy=False),
            "right": right.astype(np.float16, copy=False),
        }
        return run_graph(self._session, self._path, ["logit"], inputs)[0]
