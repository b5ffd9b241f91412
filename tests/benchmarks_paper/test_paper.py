"""The benchmark on made-up painters: one run, measured system by system."""

import json
from dataclasses import asdict

import numpy as np
import polars as pl
import pytest

from benchmarks.paper.capture import CaptureRange, draw_capture, recapture
from benchmarks.paper.mistakes import Mistakes, find_mistakes, pair_indices
from benchmarks.paper.report import BEGIN, END, markdown_tables, write_benchmark
from benchmarks.paper.run import read_cached, run_benchmark
from benchmarks.paper.systems import SERVED, WITHIN, choose_systems, open_material
from benchmarks.paper.tasks import choose_tasks, open_task
from samehand.catalogue.schema import SCHEMA, load_catalogue, write_catalogue
from samehand.errors import CatalogueError, OutputError
from samehand.evaluation.evaluate import WITHIN as EVALUATED_WITHIN
from samehand.evaluation.evaluate import evaluate
from samehand.evaluation.metrics import auc
from samehand.files import sha256_file
from samehand.images.decode import decode_file
from samehand.verification.verifier import SameHand

pytestmark = [pytest.mark.usefixtures("one_thread"), pytest.mark.slow]

DRAWS = 25


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def collection(tmp_path_factory, work_of):
    """Six artists train, three of them are tested too, four validate, six are unseen."""
    folder = tmp_path_factory.mktemp("collection")
    (folder / "images").mkdir()
    plan = [("train", range(6), range(4)), ("test", range(3), range(4, 6))]
    plan += [("validation", range(6, 10), range(4)), ("test", range(10, 16), range(3))]
    rows = []
    for split, artists, works in plan:
        for artist in artists:
            for work in works:
                path = f"images/{artist}-{work}.jpg"
                work_of(artist, work).save(folder / path, quality=70 + artist)
                row = dict.fromkeys(SCHEMA) | {
                    "painting_id": f"{artist}-{work}",
                    "path": path,
                    "artist": f"artist {artist}",
                    "title": f"work {work}",
                    "date": str(1900 + artist),
                    "style": f"style {artist % 2}",
                    "width": 120,
                    "height": 100,
                    "bytes": (folder / path).stat().st_size,
                    "sha256": sha256_file(folder / path),
                    "phash": "0" * 16,
                    "origin": path,
                    "repaired": False,
                    "split": split,
                }
                rows.append(row)
    write_catalogue(pl.DataFrame(rows, schema=SCHEMA), folder)
    tested = [row["painting_id"] for row in rows if row["split"] == "test"]
    pairs = [
        f"{i},{one}.jpg,{tested[(i * 5 + 1) % len(tested)]}.jpg" for i, one in enumerate(tested)
    ]
    pairs += ["98,10-0.jpg,10-1.jpg", "99,10-0.jpg,nobody.jpg"]
    (folder / "pairs.csv").write_text("\n".join(["index,image1,image2", *pairs]))
    return folder


def run(collection, verifier, out, said, **changed):
    material = open_material(collection, 0)
    systems = choose_systems(
        material, [verifier], backbone="efficientnet-lite0", report=verifier, threads=1
    )
    tasks, left_out = choose_tasks(
        collection, out, submission=collection / "pairs.csv", natural=collection, seed=0
    )
    options = {"left_out": left_out, "replicates": DRAWS, "seed": 0, "announce": said.append}
    return run_benchmark(material, systems, tasks, out, **options | changed)


@pytest.fixture(scope="module")
def measured(collection, verifier, tmp_path_factory):
    out, said = tmp_path_factory.mktemp("benchmark"), []
    return out, run(collection, verifier, out, said), said


def test_every_system_answers_every_task(measured):
    _, found, said = measured
    assert [task.name for task in found.tasks] == [
        "unseen",
        "recaptured",
        "seen",
        "submission",
        "natural",
    ]
    assert len(found.systems) == 12
    assert len(said) == len(found.cached) == 5 * 12
    for (task, system), cached in found.cached.items():
        expected = ["all", "same style"] if task == "unseen" else ["all"]
        if system.endswith(WITHIN):
            # Other pairs have no answer within a style.
            expected = ["same style"] if task == "unseen" else []
        assert [result.stratum for result in cached.results] == expected
        for result in cached.results:
            assert np.isfinite(list(asdict(result.metrics).values())).all()
    assert found.left_out == []


def test_the_model_as_served_has_the_figures_of_evaluate(measured, collection, verifier):
    _, found, _ = measured
    served = found.systems[-1].name
    for task in found.tasks:
        if task.captured is not None:
            continue
        alone = evaluate(
            verifier,
            task.folder,
            task.protocol,
            baselines=["frozen:efficientnet-lite0", "colour-histogram"],
            replicates=DRAWS,
            seed=0,
        )
        rows = {
            served: verifier.folder.config.name,
            served.replace(SERVED, WITHIN): f"{verifier.folder.config.name}, {EVALUATED_WITHIN}",
            "frozen backbone": "frozen:efficientnet-lite0",
            "colour histogram": "colour-histogram",
        }
        for row, system in rows.items():
            for result in found.cached[task.name, row].results:
                (other,) = (
                    one
                    for one in alone.results
                    if (one.system, one.stratum) == (system, result.stratum)
                )
                assert result.metrics == other.metrics, (row, task.name)
                assert result.intervals == other.intervals
                assert (result.pairs, result.genuine) == (other.pairs, other.genuine)


def test_the_report_network_is_scored_by_the_same_functions(measured):
    # It is the measured model itself here, so the row must equal the model's own comparator's.
    _, found, _ = measured
    for task in ("unseen", "recaptured", "natural"):
        report = found.cached[task, "the report's network"]
        ours = found.cached[task, "ours: + cohort"]
        assert report.results[0].metrics == ours.results[0].metrics


def test_recaptured_pairs_have_an_original_on_the_left_and_a_copy_on_the_right(measured, verifier):
    _, found, _ = measured
    task = found.tasks[1]
    opened = open_task(task)
    scorer = found.systems[-1].prepare()
    scores, _ = scorer.score(task, opened)
    left, right = pair_indices(opened)
    image = [decode_file(task.folder / path).image for path in opened.paintings["path"].to_list()]
    for pair in (0, 7, 100):
        name = opened.paintings["painting_id"][int(right[pair])]
        again = recapture(image[right[pair]], draw_capture(name, 0, CaptureRange()))
        verdict = verifier.compare(image[left[pair]], again)
        assert scores[pair] == pytest.approx(verdict.score, abs=1e-5)


def test_the_loss_is_the_difference_of_both_questions(measured):
    _, found, _ = measured
    for row in found.systems:
        loss = found.loss(row.name)
        if row.name.endswith(WITHIN):
            assert loss is None
            continue
        before = found.cached["unseen", row.name].results[0].metrics.auc
        after = found.cached["recaptured", row.name].results[0].metrics.auc
        assert loss.metrics["auc"] == before - after
        low, high = loss.intervals["auc"]
        assert low <= high


def test_the_lead_is_that_of_the_model_as_it_is_served_over_each_other_method(measured):
    _, found, _ = measured
    served = found.systems[-1].name
    tables = markdown_tables(found, Mistakes([], [], {}), command="", models=[""])
    section = tables.split("### How far ahead")[1].split("###")[0]
    for row in found.systems:
        lead = found.lead(served, row.name, "unseen", "all")
        if row.name.endswith(WITHIN):
            assert lead is None
            continue
        auc = [
            found.cached["unseen", name].result("all").metrics.auc for name in (served, row.name)
        ]
        assert lead.metrics["auc"] == auc[0] - auc[1]
        drawn = [found.cached["unseen", name].draws["all"][:, 0] for name in (served, row.name)]
        low, high = np.percentile(drawn[0] - drawn[1], [2.5, 97.5])
        assert lead.intervals["auc"] == pytest.approx((low, high))
        cell = f"{lead.metrics['auc']:+.3f} [{low:+.3f}, {high:+.3f}]"
        others = not row.name.startswith("ours: ") and row.name != served
        assert (f"| {row.name} | {cell} |" in section) == others
    assert found.lead(served, served, "unseen", "all").metrics["auc"] == 0


def test_winner_multiplies_two_softmaxes(measured):
    _, found, _ = measured
    task = found.tasks[0]
    opened = open_task(task)
    row = next(row for row in found.systems if row.name == "winner's method, frozen backbone")
    scorer = row.prepare()
    posteriors = scorer.rows(task.folder, opened.paintings["path"].to_list())
    np.testing.assert_allclose(posteriors.sum(axis=1), 1, atol=1e-5)
    assert posteriors.shape[1] == 6
    left, right = pair_indices(opened)
    scores, _ = scorer.score(task, opened)
    expected = [posteriors[i] @ posteriors[j] for i, j in zip(left, right, strict=True)]
    np.testing.assert_allclose(10.0**scores, expected, rtol=1e-4)
    measured_auc = found.cached["unseen", row.name].results[0].metrics.auc
    assert measured_auc == pytest.approx(auc(np.array(expected), opened.labels.same), abs=1e-3)


def test_a_second_run_measures_nothing_and_another_seed_everything(measured, collection, verifier):
    out, found, _ = measured
    said = []
    again = run(collection, verifier, out, said)
    assert said == []
    for key, cell in found.cached.items():
        assert again.cached[key].results == cell.results
        for stratum, draws in cell.draws.items():
            np.testing.assert_array_equal(again.cached[key].draws[stratum], draws)


def test_an_interrupted_or_damaged_run_measures_what_is_missing(measured, collection, verifier):
    out, found, _ = measured
    cells = sorted((out / "cached").iterdir())
    assert len(cells) == 5 * 12
    cells[0].unlink()
    cells[1].write_bytes(cells[1].read_bytes()[:100])
    assert read_cached(cells[1]) is None
    said = []
    again = run(collection, verifier, out, said)
    assert len(said) == 2
    assert all(again.cached[key].results == cell.results for key, cell in found.cached.items())


def test_only_what_is_wanted_is_measured_and_the_rest_is_read(
    measured, collection, verifier, tmp_path
):
    out, found, _ = measured
    served = found.systems[-1].name

    def some(task, system):
        return task == "unseen" and system in ("colour histogram", served)

    said = []
    few = run(collection, verifier, tmp_path, said, wanted=some)
    assert said == ["unseen: colour histogram", f"unseen: {served}"]
    assert set(few.cached) == {("unseen", "colour histogram"), ("unseen", served)}
    assert [row.name for row in few.systems] == ["colour histogram", served]
    assert [task.name for task in few.tasks] == ["unseen"]
    assert f"{served} (recaptured, seen, submission, natural)" in few.left_out[-1]
    text = markdown_tables(few, Mistakes([], [], {}), command="", models=[""])
    assert "## (a)" in text
    assert "## (c)" not in text
    assert "Lost from" not in text
    everything = run(collection, verifier, out, said, wanted=some)
    assert len(said) == 2
    assert everything.cached.keys() == found.cached.keys()


def test_the_report_says_what_was_found(measured, collection, tmp_path):
    _, found, _ = measured
    opened = open_task(found.tasks[0])
    scores, llrs = found.systems[-1].prepare().score(found.tasks[0], opened)
    mistakes = find_mistakes(opened, scores, llrs)
    page = tmp_path / "page.md"
    page.write_text(f"# Mine\n{BEGIN}\nold\n{END}\nafter\n")
    text = write_benchmark(
        found,
        mistakes,
        tmp_path,
        command="python -m benchmarks.paper x",
        models=["tiny@0"],
        page=page,
    )
    for letter in "abcdef":
        assert f"## ({letter})" in text
    result = found.cached["unseen", "ours: + cohort"].results[1]
    (line,) = (
        line
        for line in text.split("## (b)")[1].split("##")[0].splitlines()
        if line.startswith("| ours: + cohort |")
    )
    low, high = result.intervals["auc"]
    assert f"| {result.metrics.auc:.3f} [{low:.3f}, {high:.3f}] |" in line
    for task in found.tasks:
        assert f"`{task.header.content_hash[:16]}`" in text
    assert "1 unknown painting" in text
    facts = json.loads((tmp_path / "benchmark.json").read_text())
    assert facts["command"] == "python -m benchmarks.paper x"
    assert len(facts["results"]) == 6 * 12 - 5
    assert len(facts["mistakes"]["pairs"]) == len(mistakes.pairs)
    assert page.read_text() == f"# Mine\n{BEGIN}\n\n{text}\n{END}\nafter\n"
    assert (tmp_path / "benchmark.md").read_text().endswith(text)
    page.write_text("# no marks\n")
    with pytest.raises(OutputError, match="lacks the lines"):
        write_benchmark(found, mistakes, tmp_path, command="x", models=["y"], page=page)
    assert page.read_text() == "# no marks\n"


def test_what_a_catalogue_lacks_is_said(collection, tmp_path):
    table = load_catalogue(collection)
    unseen = table.filter(~pl.col("painting_id").str.contains("^[0-2]-[45]$"))
    write_catalogue(unseen, tmp_path / "few")
    tasks, left_out = choose_tasks(
        tmp_path / "few", tmp_path, submission=None, natural=None, seed=0
    )
    assert [task.name for task in tasks] == ["unseen", "recaptured"]
    assert len(left_out) == 3
    write_catalogue(table.filter(pl.col("split") == "test"), tmp_path / "test-only")
    with pytest.raises(CatalogueError, match="no training paintings"):
        open_material(tmp_path / "test-only", 0)


def test_protocols_follow_the_catalogue(collection, tmp_path):
    def header(folder):
        tasks, _ = choose_tasks(folder, tmp_path, submission=None, natural=None, seed=0)
        return tasks[0].header

    first = header(collection)
    assert header(collection) == first
    fewer = load_catalogue(collection).filter(pl.col("painting_id") != "15-2")
    write_catalogue(fewer, tmp_path / "fewer")
    assert header(tmp_path / "fewer").pairs < first.pairs


def test_a_model_with_other_views_has_its_own_keys(tiny_model, measured):
    _, found, _ = measured
    keys = [row.key for row in found.systems]
    assert len(set(keys)) == len(keys)
    identity = SameHand(tiny_model, 1).folder.identity
    assert [identity in key for key in keys[-4:]] == [True] * 4
