import json
import shutil
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from samehand.catalogue.schema import SCHEMA, load_catalogue, write_catalogue
from samehand.errors import CatalogueError
from samehand.evaluation.evaluate import Labels, evaluate, strata
from samehand.evaluation.metrics import auc
from samehand.evaluation.report import terminal_report, without_nan, write_report
from samehand.model.folder import write_config
from samehand.pairs.draws import all_pairs
from samehand.pairs.protocol import write_protocol
from samehand.verification.verifier import SameHand

SPLITS = {"train": range(6), "validation": range(6, 10), "test": range(10, 16)}


@pytest.fixture(scope="module")
def collection(tmp_path_factory, catalogued):
    folder = tmp_path_factory.mktemp("collection")
    rows = [
        catalogued(folder, artist, work, style=f"style {work % 2}", split=split)
        for split, artists in SPLITS.items()
        for artist in artists
        for work in range(3)
    ]
    write_catalogue(pl.DataFrame(rows, schema=SCHEMA), folder)
    table = load_catalogue(folder)
    write_protocol(
        folder / "unseen.parquet", all_pairs(table), description="All.", catalogue_sha256="0"
    )
    return folder


def test_a_model_and_a_baseline_are_measured_on_the_same_pairs(collection, verifier, tmp_path):
    found = evaluate(
        verifier,
        collection,
        collection / "unseen.parquet",
        baselines=["colour-histogram"],
        replicates=20,
    )
    count = 18 * 17 // 2
    assert {len(scores) for scores in found.scores.values()} == {count}
    # By hand: embed the test works in the protocol's order, and score every pair of them.
    ids = found.protocol.paintings
    rows = verifier.embed([collection / "images" / f"{identity}.png" for identity in ids])
    place = {identity: index for index, identity in enumerate(ids)}
    batch = next(iter(found.protocol.batches()))
    names = [(ids[left], ids[right]) for left, right in zip(batch.left, batch.right, strict=True)]
    same = np.array([left.split("-")[0] == right.split("-")[0] for left, right in names])
    enrolled = verifier.folder.comparator.enrol(rows)
    left, right = (np.array([place[pair[side]] for pair in names]) for side in (0, 1))
    scores = verifier.folder.comparator.pair_scores(enrolled, left, right)
    name = verifier.folder.config.name
    np.testing.assert_allclose(found.scores[name], scores, atol=1e-5)
    overall = next(row for row in found.results if (row.system, row.stratum) == (name, "all"))
    assert overall.metrics.auc == pytest.approx(auc(scores, same), abs=1e-6)
    assert (overall.pairs, overall.genuine, overall.artists) == (count, 18, 6)
    write_report(found, tmp_path, catalogue=collection, command="samehand evaluate x")
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["protocol"]["content_hash"] == found.protocol.header.content_hash
    assert len(report["results"]) == len(found.results)
    assert "| colour-histogram |" in (tmp_path / "report.md").read_text()
    told = terminal_report(found)
    assert max(map(len, told.splitlines())) <= 80
    low, high = overall.intervals["auc"]
    assert f"{overall.metrics.auc:.3f} [{low:.3f}, {high:.3f}]" in told
    assert "colour-histogram" in told
    assert [row.operating_point for row in found.promises] == ["eer", "fmr1", "fmr0.1"]
    assert [row["operating_point"] for row in report["promises"]] == ["eer", "fmr1", "fmr0.1"]
    eer = verifier.folder.config.calibration.points["eer"]
    assert found.promises[0].promised == eer.error_rate
    assert "error rates of decisions, the pictures that" in told
    assert "**Promised and measured error rates**" in (tmp_path / "report.md").read_text()


def test_pairs_of_one_style_are_measured_with_both_ratios(collection, verifier):
    found = evaluate(verifier, collection, collection / "unseen.parquet", replicates=5)
    name, config = verifier.folder.config.name, verifier.folder.config
    within = f"{name}, calibrated within styles"
    rows = {(row.system, row.stratum): row.metrics for row in found.results}
    assert [stratum for system, stratum in rows if system == within] == ["same style"]
    alike = found.labels.same_style == 1
    scores, same = found.scores[name][alike], found.labels.same[alike]
    llrs = np.clip(
        config.one_style.slope * scores + config.one_style.intercept,
        config.one_style.lower,
        config.one_style.upper,
    )
    cost = [np.log2(1 + 10 ** -llrs[same]).mean(), np.log2(1 + 10 ** llrs[~same]).mean()]
    assert rows[within, "same style"].cllr == pytest.approx(np.mean(cost), rel=1e-4)
    assert rows[within, "same style"].auc == rows[name, "same style"].auc


def test_scores_for_pairs_of_one_style_are_measured_on_such_pairs(collection, verifier, tmp_path):
    folder = shutil.copytree(verifier.folder.path, tmp_path / "near")
    write_config(folder, replace(verifier.folder.config, nearby=True))
    model = SameHand(folder, threads=1)
    found = evaluate(model, collection, collection / "unseen.parquet", replicates=5)
    within = f"{model.folder.config.name}, calibrated within styles"
    ids = found.protocol.paintings
    rows = model.embed([collection / "images" / f"{identity}.png" for identity in ids])
    comparator = model.folder.comparator
    batch = next(iter(found.protocol.batches()))
    alike = batch.same_style == 1
    scores = comparator.style_scores(comparator.enrol(rows), batch.left[alike], batch.right[alike])
    (row,) = [row for row in found.results if row.system == within]
    assert row.metrics.auc == pytest.approx(auc(scores, batch.same[alike]), abs=1e-6)
    assert np.isnan(found.llrs[within][~alike]).all()
    assert np.isfinite(found.llrs[within][alike]).all()


def test_a_protocol_of_one_style_is_measured_with_both_ratios(collection, verifier, tmp_path):
    folder = shutil.copytree(collection, tmp_path / "one")
    table = load_catalogue(folder).with_columns(style=pl.lit("Baroque"))
    write_catalogue(table, folder)
    protocol = folder / "one.parquet"
    write_protocol(protocol, all_pairs(table), description="All.", catalogue_sha256="0")
    found = evaluate(verifier, folder, protocol, replicates=5)
    assert [row.system for row in found.results] == ["tiny", "tiny, calibrated within styles"]


def test_a_baseline_needs_training_paintings(collection, verifier, tmp_path):
    table = load_catalogue(collection).filter(pl.col("split") == "test")
    write_catalogue(table, tmp_path)
    write_protocol(
        tmp_path / "p.parquet", all_pairs(table), description="All.", catalogue_sha256="0"
    )
    with pytest.raises(CatalogueError, match="no training paintings"):
        evaluate(verifier, tmp_path, tmp_path / "p.parquet", baselines=["colour-histogram"])


def test_strata_hold_both_kinds_and_are_not_everything():
    same = np.array([True, False, True, False, False])
    numbers = np.zeros(5, np.int32)
    seen = np.array([True, True, False, False, False])
    style = np.array([1, 1, 1, -1, 0], dtype=np.int8)
    found = strata(Labels(same, numbers, numbers, seen, style))
    assert {name: mask.tolist() for name, mask in found.items()} == {
        "all": [True] * 5,
        "seen artists": seen.tolist(),
        "an unseen artist": (~seen).tolist(),
        "same style": [True, True, True, False, False],
    }


def test_numbers_that_are_none_become_null():
    values = {"a": [float("nan"), 1.0, (float("inf"), "x")], "b": None}
    assert without_nan(values) == {"a": [None, 1.0, [None, "x"]], "b": None}
