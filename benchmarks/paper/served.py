"""A model as the product serves it: pairs read by the kinds of their two pictures.

Shapes: N paintings, M pairs.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.paper.tasks import OpenTask, Task, capture_again
from samehand.evaluation.served import served
from samehand.model.embed import catalogued_table
from samehand.records import Floats, PictureKind
from samehand.scoring.calibration import Calibration
from samehand.verification.condition import picture_kinds
from samehand.verification.verifier import SameHand


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model with all that it brings, as `samehand evaluate` measures it.

    Attributes:
        model: The model.
        calibration: The one of its calibrations that is asked for.
        within: Whether that is the one for pairs of one style; others then have no answer.
    """

    model: SameHand
    calibration: Calibration
    within: bool = False

    def score(self, task: Task, opened: OpenTask) -> tuple[Floats, Floats]:
        """Return scores and log10 likelihood ratios of a task's pairs, (M,) each.

        Of pairs without an answer both are NaN.
        """
        config, comparator = self.model.folder.config, self.model.folder.comparator
        rows, kinds = self._look(task.folder, opened.paintings["path"].to_list())
        shift = 0
        if task.captured is not None:
            shift = len(rows)
            again, more = self._look(task.captured, capture_again(task, opened.paintings))
            rows, kinds = np.concatenate([rows, again]), kinds + more
        batches = list(opened.protocol.batches())
        left = np.concatenate([batch.left for batch in batches])
        right = np.concatenate([batch.right for batch in batches]) + shift
        enrolled = comparator.enrol(rows)
        raw = np.concatenate(
            [comparator.pair_scores(enrolled, one.left, one.right + shift) for one in batches]
        )
        if not self.within:
            found = served(config, kinds, left, right, raw, None)
            return found.scores, found.llrs
        styled = np.full(len(raw), np.nan, np.float32)
        alike = opened.labels.same_style == 1
        styled[alike] = comparator.style_scores(enrolled, left[alike], right[alike])
        found = served(config, kinds, left, right, raw, styled)
        assert found.within is not None
        # As in `samehand evaluate`: unlike the llr, this has no cut at what the data support.
        return found.scores - raw + styled, found.within

    def _look(self, folder: Path, paths: list[str]) -> tuple[Floats, list[PictureKind]]:
        cache = folder / "embeddings"
        table = catalogued_table(self.model.embedder, paths, folder, cache)
        files = [folder / path for path in paths]
        return table.embeddings, picture_kinds(self.model.folder.config, files, table, cache)
