"""The llr of a reference set against another artist of the same style."""

import shutil
from dataclasses import replace
from itertools import product
from math import log10
from pathlib import Path

import numpy as np
import pytest

from samehand import Gallery, SameHand
from samehand.model.folder import write_config
from samehand.scoring.calibration import llr_from_score
from samehand.scoring.references import ReferenceRule, ReferenceStep, combine, reference_features


@pytest.fixture(scope="module")
def styled(tmp_path_factory):
    """A model with a rule for sets of one style, which nothing was fitted for."""
    shipped = SameHand("lite", threads=1).folder
    folder = Path(shutil.copytree(shipped.path, tmp_path_factory.mktemp("within") / "model"))
    config = shipped.config
    pairs = config.one_style
    three = ReferenceStep(3, (0.3, 0.7, -0.2), replace(pairs, slope=pairs.slope * 1.5))
    rule = ReferenceRule((ReferenceStep(1, (1.0, 0.0, 0.0), pairs), three))
    attribution = replace(config.attribution, one_style=rule)
    write_config(folder, replace(config, attribution=attribution, nearby=True))
    return SameHand(folder, threads=1)


@pytest.fixture(scope="module")
def plain(styled, tmp_path_factory):
    """The same model, which moves no score by the kinds of pictures."""
    folder = Path(shutil.copytree(styled.folder.path, tmp_path_factory.mktemp("plain") / "model"))
    write_config(folder, replace(styled.folder.config, conditions=()))
    return SameHand(folder, threads=1)


def test_a_set_within_a_style_is_read_by_a_rule_of_its_own(plain, painting_of):
    comparator, rule = plain.folder.comparator, plain.folder.config.attribution.one_style
    for artist in range(4):
        known = [plain.open(painting_of(artist, work)) for work in (1, 2, 3)]
        probe = plain.open(painting_of(artist, 0))
        found = plain.verify(probe, known)
        features = reference_features(
            comparator,
            comparator.enrol(probe.embedding[None]),
            comparator.enrol(np.stack([one.embedding for one in known])),
            rule.steps[0].calibration.slope,
            styled=True,
        )
        step = rule.at(3)
        expected = float(llr_from_score(step.calibration, combine(step, features)[0]))
        # What speaks for one artist never counts for more than against any artist.
        assert found.llr_one_style == pytest.approx(min(expected, max(found.llr, 0.0)), abs=1e-5)

        # Decided on the score by the rule's own threshold, and never against the ratio.
        point = step.calibration.points["eer"]
        score = combine(step, features)[0]
        decided = "same" if score >= point.same_at_least else "different"
        if abs(found.llr_one_style) < log10(2) or (found.llr_one_style > 0) != (decided == "same"):
            decided = "no decision"
        assert found.decision_one_style == decided
        assert found.error_rate_one_style == point.error_rate
        strict = plain.verify(probe, known, operating_point="fmr1")
        assert strict.decision_one_style is strict.error_rate_one_style is None


def test_one_reference_is_a_pair_within_a_style_too(styled, painting_of):
    decided = set()
    for artist, work in product(range(4), range(1, 4)):
        pair = painting_of(0, 0), painting_of(artist, work)
        alone, both = styled.verify(pair[0], [pair[1]]), styled.compare(*pair)
        assert alone.llr_one_style == pytest.approx(both.llr_one_style, abs=1e-5)
        assert alone.decision_one_style == both.decision_one_style
        assert alone.error_rate_one_style == both.error_rate_one_style
        decided.add(alone.decision_one_style)
    assert None not in decided


def test_nothing_is_decided_within_a_style_without_a_rule_for_such_sets(
    styled, tmp_path, painting_of
):
    folder = Path(shutil.copytree(styled.folder.path, tmp_path / "model"))
    config = styled.folder.config
    attribution = replace(config.attribution, one_style=None)
    write_config(folder, replace(config, attribution=attribution))
    known = [styled.open(painting_of(0, work)) for work in (1, 2, 3)]
    found = SameHand(folder, threads=1).verify(painting_of(0, 0), known)
    assert found.llr_one_style is not None
    assert found.decision_one_style is found.error_rate_one_style is None


def test_one_strange_work_among_the_references_refuses_nothing(styled, tmp_path, painting_of):
    folder = Path(shutil.copytree(styled.folder.path, tmp_path / "model"))
    known = [styled.open(painting_of(0, work)) for work in (1, 2, 3)]
    probe, *known = sorted([styled.open(painting_of(0, 0)), *known], key=lambda one: one.novelty)
    for strange in range(1, 4):
        limit = (([probe, *known])[3 - strange].novelty + known[3 - strange].novelty) / 2
        config = replace(styled.folder.config, novelty_limit=limit)
        write_config(folder, config)
        found = SameHand(folder, threads=1).verify(probe, known)
        assert (found.refusal is not None) == (strange > 1)
        (said,) = [text for text in found.warnings if text.startswith("among the references")]
        assert all(one.name in said for one in known[3 - strange :])


def test_a_gallery_says_the_same_within_a_style_as_its_works_do(styled, tmp_path, painting_of):
    paths = {}
    for artist, work in product(range(2), range(1, 4)):
        file = tmp_path / "works" / f"painter {artist}" / f"{work}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        painting_of(artist, work).save(file)
        paths.setdefault(f"painter {artist}", []).append(file)
    probe = tmp_path / "probe.png"
    painting_of(1, 0).save(probe)
    with Gallery.create(tmp_path / "shelf", styled.folder) as shelf:
        shelf.add([tmp_path / "works"], styled)
        named, near = styled.identify(probe, shelf), styled.search(probe, shelf)
    for one in named.candidates:
        expected = styled.verify(probe, paths[one.artist])
        assert one.llr_one_style == pytest.approx(expected.llr_one_style, abs=1e-4)
    assert len(near.neighbours) == 6
    for one in near.neighbours:
        expected = styled.compare(probe, one.path)
        assert one.llr_one_style == pytest.approx(expected.llr_one_style, abs=1e-4)
        assert one.llr == pytest.approx(expected.llr, abs=1e-4)
