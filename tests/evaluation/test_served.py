"""What `evaluate` measures is what `compare` answers, pair for pair."""

from itertools import combinations

import numpy as np
import pytest

from samehand.evaluation.promises import Promise, promises, promises_markdown, promises_text
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
    same = (left + right) % 2 == 0
    kept = promises(config, kinds, left, right, scores, same)
    decided: dict[str, list[str]] = {}
    told = 0
    for pair, (one, two) in enumerate(zip(left, right, strict=True)):
        verdict = model.compare(paintings[one], paintings[two])
        (words,) = [words for words, mask in found.conditions.items() if mask[pair]]
        assert words.removesuffix(", refused") == verdict.condition
        if verdict.refusal and "unlike" in verdict.refusal:
            continue  # Whether a picture is novel is not asked.
        told += 1
        decided.setdefault(words, []).append(
            f"{verdict.decision} {same[pair]} {verdict.error_rate}"
        )
        assert words.endswith(", refused") == (verdict.refusal is not None)
        assert found.llrs[pair] == pytest.approx(verdict.llr, abs=1e-5)
        if pair:
            assert found.within[pair] == pytest.approx(verdict.llr_one_style, abs=1e-5)
        raw = config.calibration.slope * found.scores[pair] + config.calibration.intercept
        if not verdict.refusal and abs(verdict.llr) < 0.5:
            assert raw == pytest.approx(verdict.llr, abs=1e-4)
    assert told
    assert np.isnan(found.within[0])
    for words, answers in decided.items():
        (one,) = [
            row
            for row in kept
            if row.condition == words.removesuffix(", refused") and row.operating_point == "eer"
        ]
        if one.genuine_pairs + one.impostor_pairs > len(answers):
            continue
        assert {answer.split()[-1] for answer in answers} == {str(one.promised)}
        matched, two = (
            [answer for answer in answers if answer.startswith(start) and " False " in answer]
            for start in ("same", "")
        )
        assert one.false_matches == (len(matched) / len(two) if two else None)
        undecided = [answer for answer in answers if answer.startswith("no")]
        assert one.undecided == pytest.approx(len(undecided) / len(answers))


def test_a_table_says_which_rates_are_over_their_promise():
    rows = [
        Promise("two photographs", "fmr1", 0.01, 0.02, 0.0, 0.5, 10, 50),
        Promise("two tiny pictures", "eer", None, 0.0, None, 1.0, 0, 5),
    ]
    assert "| two photographs | fmr1 | 1.0% | **2.0%** | 0.0% | 50.0% | 10 | 50 |" in (
        promises_markdown(rows)
    )
    text = promises_text(rows)
    assert any("2.0% *" in line for line in text)
    assert any("refused" in line and "-" in line for line in text)
    assert max(map(len, text)) <= 80
