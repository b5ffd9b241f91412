"""Cluster, suspects, identify and the queue obey what people decided, and say so."""

import itertools
import json
import shutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samehand import SameHand
from samehand.atelier import build_atelier
from samehand.errors import GalleryError, SamehandError
from samehand.gallery import Gallery
from samehand.scoring.comparator import CosineComparator
from samehand.verification.grouping import Constraints, group_works
from samehand.verification.queue import CERTAIN, UNLIKELY, entropy

PRIOR = 0.02
"""The model takes all synthetic pictures for rather alike; from here their pairs are uncertain."""


@pytest.fixture(scope="module")
def model():
    return SameHand(threads=1)


@pytest.fixture(scope="module")
def filled(tmp_path_factory, model):
    """Three synthetic painters of four works; the last work of each has no label."""
    folder = tmp_path_factory.mktemp("decided")
    build_atelier(folder / "all", painters=3, works=4, seed=3, size=(96, 96))
    lines = ["path,artist,title"]
    for artist, painter in enumerate(sorted((folder / "all").glob("Painter*"))):
        for work, path in enumerate(sorted(painter.iterdir())):
            path.rename(folder / f"{artist}-{work}.jpg")
            name = f"Artist {artist}" if work < 3 else ""
            lines.append(f"{artist}-{work}.jpg,{name},Work {work}")
    (folder / "t.csv").write_text("\n".join(lines))
    with Gallery.create(folder / "g", model) as gallery:
        gallery.add([folder / "t.csv"], model)
    return folder


@pytest.fixture
def shelf(tmp_path, filled):
    shutil.copytree(filled / "g", tmp_path / "g")
    with Gallery.open(tmp_path / "g") as gallery:
        yield gallery


@pytest.fixture
def file(filled):
    return lambda name: str(filled / f"{name}.jpg")


def part(shelf, file):
    """Decide that the first works of the three painters are by different hands."""
    firsts = [file(f"{artist}-0") for artist in range(3)]
    for pair in itertools.combinations(firsts, 2):
        shelf.decide(*pair, "different", by="Ann")
    return firsts


def hand_of(found):
    return {path: hand.number for hand in found.hands for path in hand.works}


def test_cluster_joins_and_parts_works_as_decided_and_says_so(shelf, model, file):
    before = hand_of(model.cluster(shelf))
    firsts = part(shelf, file)
    assert len({before[path] for path in firsts}) < 3
    now = hand_of(model.cluster(shelf))
    assert len({now[path] for path in firsts}) == 3
    apart = next(
        (a, b)
        for a, b in itertools.combinations(sorted(now), 2)
        if now[a] != now[b] and not {a, b} & {*firsts}
    )
    shelf.decide(*apart, "same", by="Ann")
    found = model.cluster(shelf)
    after = hand_of(found)
    assert len({after[path] for path in firsts}) == 3
    assert after[apart[0]] == after[apart[1]]
    assert [set(some) for some in found.joined] == [set(apart)]
    assert {frozenset(some) for some in found.parted} == {
        frozenset(some) for some in itertools.combinations(firsts, 2)
    }
    assert found.warnings == ()
    shelf.decide(*apart, "different", by="Bo")
    disputed = model.cluster(shelf)
    assert disputed.joined == ()
    assert "decided differently by two people" in disputed.warnings[0]
    json.dumps(found.to_dict(), allow_nan=False)


def brute(scores, least, joined, parted):
    """Average linkage, the pair of groups with the best mean first, as far as it is allowed."""
    count = len(scores)
    groups = [{i} for i in range(count)]
    for works in joined:
        together = {i for group in groups if group & set(works) for i in group}
        groups = [group for group in groups if not group & together] + [together]
    while True:
        best = None
        for one, two in itertools.combinations(range(len(groups)), 2):
            a, b = groups[one], groups[two]
            if any({x, y} & a and {x, y} & b for x, y in parted):
                continue
            mean = np.mean([scores[i, j] for i in a for j in b])
            if mean >= least and (best is None or mean > best[0]):
                best = (mean, one, two)
        if best is None:
            return {frozenset(group) for group in groups}
        groups[best[1]] |= groups[best[2]]
        del groups[best[2]]


def sets_of(labels):
    return {frozenset(np.flatnonzero(labels == label).tolist()) for label in set(labels.tolist())}


@given(st.integers(0, 2**32 - 1), st.integers(2, 12), st.floats(-0.5, 0.9), st.booleans())
def test_groups_are_those_of_average_linkage_under_constraints(seed, count, least, joins):
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(count, 4)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    comparator = CosineComparator("none", 2, np.eye(4, dtype=np.float32))
    enrolled = comparator.enrol(rows)
    scores = comparator.cross_scores(enrolled, enrolled)
    pairs = [tuple(sorted(rng.choice(count, 2, replace=False).tolist())) for _ in range(3)]
    joined = (pairs[0],) if joins else ()
    parted = tuple(pair for pair in pairs[1:] if not {pair} & set(joined))
    labels = group_works(
        count, lambda some, others: scores[np.ix_(some, others)], least, Constraints(joined, parted)
    )
    found = sets_of(labels)
    for works in joined:
        assert any(set(works) <= group for group in found)
    for a, b in parted:
        assert not any({a, b} <= group for group in found)
    means = {
        (one, two): np.mean([scores[i, j] for i in one for j in two])
        for one, two in itertools.combinations(found, 2)
        if not any({a, b} & one and {a, b} & two for a, b in parted)
    }
    # Nothing that may be merged is left unmerged.
    assert all(mean < least + 1e-5 for mean in means.values())
    if not any(labels[a] == labels[b] for a, b in parted) and not parted:
        assert found == brute(scores, least, joined, parted)


def test_a_decision_names_an_artist_or_rules_one_out_and_undoing_it_takes_that_back(
    shelf, model, file
):
    before = model.identify(file("0-3"), shelf, prior=0.3)
    assert (before.decided, before.ruled_out) == (None, {})
    shelf.decide(file("0-3"), file("1-0"), "same", by="Ann")
    named = model.identify(file("0-3"), shelf)
    assert named.artist == "Artist 1"
    assert "Ann decided on" in named.decided
    assert file("1-0") in named.decided
    assert {one.artist: one.llr for one in named.candidates} == {
        one.artist: one.llr for one in before.candidates
    }
    best = before.candidates[0].artist
    other = shelf.decide(file("0-3"), file(f"{best[-1]}-2"), "different", by="Ann")
    ruled = model.identify(file("0-3"), shelf)
    assert best in ruled.ruled_out
    assert best not in [one.artist for one in ruled.candidates]
    shelf.undo(other.id)
    assert model.identify(file("0-3"), shelf).ruled_out == {}


def test_decisions_on_the_work_that_contradict_one_another_count_for_nothing(shelf, model, file):
    plain = model.identify(file("0-3"), shelf)
    shelf.decide(file("0-3"), file("1-0"), "same", by="Ann")
    shelf.decide(file("0-3"), file("2-0"), "same", by="Bo")
    found = model.identify(file("0-3"), shelf)
    assert (found.artist, found.decided) == (plain.artist, None)
    assert any("contradict one another on Artist 1 and Artist 2" in one for one in found.warnings)


def test_whom_decisions_rule_out_altogether_is_one_sentence(shelf, model, file):
    for artist in range(3):
        shelf.decide(file("0-3"), file(f"{artist}-0"), "different")
    with pytest.raises(GalleryError, match="every artist of g is ruled out by decisions"):
        model.identify(file("0-3"), shelf)


def test_a_rejected_or_confirmed_suspect_never_returns(shelf, model, file):
    shelf.set_columns({"artist": "Artist 1"}, where=["path=" + file("0-0")])
    suspects = model.cluster(shelf).suspects
    one = next(one for one in suspects if one.path == file("0-0"))
    assert one.rival == "Artist 0"
    assert one.rival_work in (file("0-1"), file("0-2"))
    shelf.decide(one.path, one.rival_work, "different", by="Ann")
    left = [other for other in model.cluster(shelf).suspects if other.path == one.path]
    assert all(other.rival != "Artist 0" for other in left)
    made = shelf.decide(one.path, file("1-0"), "same", by="Ann")
    assert one.path not in [other.path for other in model.cluster(shelf).suspects]
    shelf.undo(made.id)


def test_the_queue_asks_about_uncertain_pairs_in_order_and_never_twice(shelf, model, file):
    part(shelf, file)
    found = model.queue(shelf, 100, labelled=True, prior=PRIOR)
    assert len(found.suggestions) > 2
    assert found.waiting == len(found.suggestions)
    values = [one.value for one in found.suggestions]
    assert values == sorted(values, reverse=True)
    hands = model.cluster(shelf)
    size = {path: len(hand.works) for hand in hands.hands for path in hand.works}
    number = hand_of(hands)
    asked = set()
    for one in found.suggestions:
        a, b = one.first.path, one.second.path
        assert UNLIKELY <= one.probability <= CERTAIN
        (llr,) = [near.llr for near in model.search(a, shelf).neighbours if near.path == b]
        assert one.llr == pytest.approx(llr, abs=1e-3)
        chance = 1 / (1 + 10**-one.llr * (1 - PRIOR) / PRIOR)
        assert one.probability == pytest.approx(chance, abs=1e-6)
        bits = -chance * np.log2(chance) - (1 - chance) * np.log2(1 - chance)
        pairs = size[a] - 1 if number[a] == number[b] else size[a] * size[b]
        assert one.pairs == pairs
        assert one.value == pytest.approx(bits * pairs, abs=1e-5)
        hand = frozenset((number[a], number[b]))
        assert hand not in asked
        asked.add(hand)
    first = found.suggestions[0]
    for label in ("different", "unsure"):
        shelf.decide(first.first.path, first.second.sha256, label, by="Ann")
        pairs = [
            {one.first.path, one.second.path}
            for one in model.queue(shelf, 100, labelled=True, prior=PRIOR).suggestions
        ]
        assert {first.first.path, first.second.path} not in pairs
    assert model.queue(shelf, 100, labelled=True, prior=PRIOR).decided == 4


def test_works_that_are_labelled_are_asked_about_only_on_demand(shelf, model):
    for one in model.queue(shelf, 100, prior=PRIOR).suggestions:
        assert one.first.artist is None or one.second.artist is None
    with pytest.raises(SamehandError, match="top must be at least 1"):
        model.queue(shelf, 0)


@given(st.floats(0, 1))
def test_entropy_is_shannons(chance):
    expected = sum(-p * np.log2(p) for p in (chance, 1 - chance) if p > 0)
    assert float(entropy(np.array(chance))) == pytest.approx(expected, abs=1e-9)


def test_the_command_line_suggests_what_to_decide(shelf, samehand, file):
    part(shelf, file)
    asked = ("queue", shelf.folder, "--labelled", "--top", 3, "--prior", PRIOR)
    code, text, _ = samehand(*asked)
    assert code == 0
    assert "samehand decide" in text
    told = json.loads(samehand(*asked, "--json").out)
    assert [one["rank"] for one in told["suggestions"]] == [1, 2, 3]
