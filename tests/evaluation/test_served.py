"""What `evaluate` measures is what `compare` answers, pair for pair."""

from itertools import combinations

import numpy as np
import pytest

from samehand.evaluation.served import served
from samehand.verification.verifier import SameHand


@pytest.fixture(scope="module")
def shown(work_of, tmp_path_factory):
    """Pictures of every size, and one in greyscale."""
    folder = tmp_path_factory.mktemp("shown")
    sizes = [(120, 100), (200, 160), (224, 224), (400, 300)]
    files = []
    for number, size in enumerate([*sizes, (400, 300)]):
        picture = work_of(number % 2, number, size)
        if number == len(sizes):
            picture = picture.convert("L")
        picture.save(folder / f"{number}.png")
        files.append(folder / f"{number}.png")
    return files


def test_each_pair_is_answered_as_compare_answers_it(shown):
    model = SameHand("lite", threads=1)
    config = model.folder.config
    paintings = [model.open(path) for path in shown]
    left, right = np.array(list(combinations(range(len(shown)), 2))).T
    enrolled = model.folder.comparator.enrol(np.stack([one.embedding for one in paintings]))
    scores = model.folder.comparator.pair_scores(enrolled, left, right)
    styled = model.folder.comparator.style_scores(enrolled, left, right).astype(np.float32)
    styled[0] = np.nan
    kinds = [one.kind for one in paintings]
    found = served(config, kinds, left, right, scores, styled)
    assert sum(mask.sum() for mask in found.conditions.values()) == len(left)
    told = 0
    for pair, (one, two) in enumerate(zip(left, right, strict=True)):
        verdict = model.compare(paintings[one], paintings[two])
        (words,) = [words for words, mask in found.conditions.items() if mask[pair]]
        assert words.removesuffix(", refused") == verdict.condition
        if verdict.refusal and "unlike" in verdict.refusal:
            continue  # Whether a picture is novel is not asked.
        told += 1
        assert words.endswith(", refused") == (verdict.refusal is not None)
        assert found.llrs[pair] == pytest.approx(verdict.llr, abs=1e-5)
        if pair:
            assert found.within[pair] == pytest.approx(verdict.llr_one_style, abs=1e-5)
        raw = config.calibration.slope * found.scores[pair] + config.calibration.intercept
        if not verdict.refusal and abs(verdict.llr) < 0.5:
            assert raw == pytest.approx(verdict.llr, abs=1e-4)
    assert told
    assert np.isnan(found.within[0])
