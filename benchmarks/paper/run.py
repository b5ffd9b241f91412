"""`samehand benchmark`: every contender on every question, in one run that can be interrupted.

What has been measured lies in OUT/cells, one file a contender and question, named by a hash of all
that decides it: a second run reads it, and a changed model measures only its own rows anew.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks.paper.systems import Contender, Material, Scorer
from benchmarks.paper.tasks import Opened, Question, capture_again, open_question
from samehand.evaluation.bootstrap import percentile_intervals
from samehand.evaluation.evaluate import Result, measure, strata
from samehand.evaluation.metrics import Float64s, Metrics
from samehand.files import atomic_path, sha256_bytes
from samehand.records import Floats
from samehand.scoring.calibration import llr_from_score
from samehand.versions import versions

_FORMAT = 1
_WANTED = {"unseen": ("all", "same style")}


@dataclass(frozen=True, slots=True, eq=False)
class Cell:
    """One contender on one question.

    Attributes:
        results: One a stratum.
        draws: The bootstrap replicates of each, by the stratum's name.
    """

    results: list[Result]
    draws: dict[str, Float64s]

    def result(self, stratum: str) -> Result | None:
        """Return the result on a stratum, or None where the protocol does not have it."""
        return next((row for row in self.results if row.stratum == stratum), None)


@dataclass(frozen=True, slots=True)
class Difference:
    """One result less another.

    Attributes:
        metrics: The first one's metrics less the second one's.
        intervals: 95 % intervals, both measured on the same draws of artists.
    """

    metrics: dict[str, float]
    intervals: dict[str, tuple[float, float]]


@dataclass(frozen=True, slots=True, eq=False)
class Benchmark:
    """Everything `samehand benchmark` found.

    Attributes:
        contenders: The rows.
        questions: The questions.
        cells: By question and contender.
        left_out: A sentence for everything that was not measured.
        replicates: Bootstrap draws.
        seed: Seeds the bootstrap, the forest's pairs and the second photographs.
    """

    contenders: Sequence[Contender]
    questions: Sequence[Question]
    cells: dict[tuple[str, str], Cell]
    left_out: list[str]
    replicates: int
    seed: int

    def loss(self, contender: str) -> Difference:
        """Return what a contender loses to a second photograph: (a) less (e)."""
        before, after = (self.cells[name, contender] for name in ("unseen", "recaptured"))
        return _difference(before, after, "all")

    def lead(self, contender: str, question: str, stratum: str) -> Difference:
        """Return how far the last row, the model as it is served, is ahead of a contender.

        Args:
            contender: A row's name.
            question: A question's name.
            stratum: One that was measured there.
        """
        served, other = (
            self.cells[question, name] for name in (self.contenders[-1].name, contender)
        )
        return _difference(served, other, stratum)


def _difference(first: Cell, second: Cell, stratum: str) -> Difference:
    one, two = (cell.result(stratum) for cell in (first, second))
    assert one is not None
    assert two is not None
    metrics = {
        name: getattr(one.metrics, name) - getattr(two.metrics, name)
        for name in asdict(one.metrics)
    }
    return Difference(metrics, percentile_intervals(first.draws[stratum] - second.draws[stratum]))


def run_benchmark(
    material: Material,
    rows: Sequence[Contender],
    questions: Sequence[Question],
    out: Path,
    *,
    left_out: list[str],
    replicates: int,
    seed: int,
    announce: Callable[[str], None],
) -> Benchmark:
    """Measure every contender on every question, or read what was measured before.

    Args:
        material: What the contenders learn from.
        rows: The contenders.
        questions: The questions, "unseen" and "recaptured" among them.
        out: The benchmark's folder.
        left_out: What the report should say is missing.
        replicates: Bootstrap draws for each interval.
        seed: Seeds those draws.
        announce: Told what is measured next.

    Raises:
        CatalogueError: An image is missing from a catalogue's cache.
        ProtocolError: A protocol was changed since it was frozen.
        OutputError: `out` cannot be written.
    """
    prepared: dict[str, Scorer] = {}
    cells: dict[tuple[str, str], Cell] = {}
    for question in questions:
        opened: Opened | None = None
        for row in rows:
            facts = [_FORMAT, material.digest, question.key, row.key, replicates, seed]
            digest = sha256_bytes(json.dumps([*facts, versions()["samehand"]]).encode())[:24]
            path = out / "cells" / f"{digest}.safetensors"
            cell = read_cell(path)
            if cell is None:
                announce(f"{question.name}: {row.name}")
                opened = opened or open_question(question)
                if row.name not in prepared:
                    prepared[row.name] = row.prepare()
                cell = _measure_cell(
                    row.name, prepared[row.name], question, opened, replicates, seed
                )
                write_cell(path, cell)
            cells[question.name, row.name] = cell
    return Benchmark(rows, questions, cells, left_out, replicates, seed)


def score_question(scorer: Scorer, question: Question, opened: Opened) -> tuple[Floats, Floats]:
    """Return raw scores and log10 likelihood ratios of a question's pairs, (M,) each."""
    rows = scorer.rows(question.folder, opened.paintings["path"].to_list())
    shift = 0
    if question.captured is not None:
        shift = len(rows)
        again = scorer.rows(question.captured, capture_again(question, opened.paintings))
        rows = np.concatenate([rows, again])
    score_pairs = scorer.against(rows)
    scores = np.concatenate(
        [score_pairs(batch.left, batch.right + shift) for batch in opened.protocol.batches()]
    )
    return scores, llr_from_score(scorer.calibration, scores).astype(np.float32)


def _measure_cell(
    name: str, scorer: Scorer, question: Question, opened: Opened, replicates: int, seed: int
) -> Cell:
    scores, llrs = score_question(scorer, question, opened)
    results, draws = [], {}
    found = strata(opened.labels)
    for stratum in _WANTED.get(question.name, ("all",)):
        if stratum in found:
            result, draws[stratum] = measure(
                name,
                scorer.calibration,
                opened.labels,
                scores,
                llrs,
                stratum=stratum,
                mask=found[stratum],
                replicates=replicates,
                seed=seed,
            )
            results.append(result)
    return Cell(results, draws)


def write_cell(path: Path, cell: Cell) -> None:
    """Keep what was measured.

    Raises:
        OutputError: The file cannot be written.
    """
    from safetensors.numpy import save

    results = json.dumps([asdict(result) for result in cell.results])
    with atomic_path(path) as temporary:
        temporary.write_bytes(save(cell.draws, metadata={"results": results}))


def read_cell(path: Path) -> Cell | None:
    """Return what `write_cell` kept, or None where there is nothing, or a damaged file."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as stored:
            values = json.loads(stored.metadata()["results"])
            draws = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, KeyError, TypeError, ValueError):
        return None
    results = [
        Result(
            **value
            | {
                "metrics": Metrics(**value["metrics"]),
                "intervals": {name: tuple(ends) for name, ends in value["intervals"].items()},
            }
        )
        for value in values
    ]
    return Cell(results, draws)
