"""Models are fetched from and published on a hub: a real server on the loopback speaks its API."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hub_server import Hub, serving

from samehand import SameHand
from samehand.errors import ModelError
from samehand.model.folder import find_model
from samehand.model.publish import hub_card, publish_model


@pytest.fixture(scope="module")
def hub():
    with serving() as hub:
        yield hub


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hub")


def run(hub: Hub, home: Path, *command: object, offline: bool = False, code: int = 0) -> str:
    """Run a command in a process of its own: the hub's client reads its settings once."""
    settings = {
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(home),
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_TOKEN": "hf_of_a_test",
        "HF_HUB_OFFLINE": "1" if offline else "0",
        "PYTHONWARNINGS": "",
    }
    done = subprocess.run(
        [sys.executable, *map(str, command)],
        env=os.environ | settings,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == code, done.stderr
    return done.stdout if code == 0 else done.stderr


@pytest.fixture(scope="module")
def report(tiny_model: Path, verifier: SameHand, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `samehand evaluate` writes, as far as a card needs it."""
    numbers = {"auc": 0.91, "eer": 0.17, "cllr": 0.55, "min_cllr": 0.5}
    facts = {
        "model": verifier.folder.identity,
        "protocol": {"name": "unseen", "content_hash": "c0ffee"},
        "results": [
            {"system": "tiny", "stratum": "all", "metrics": numbers},
            {"system": "tiny", "stratum": "same style", "metrics": numbers | {"cllr": None}},
            {"system": "colour-histogram", "stratum": "all", "metrics": numbers},
        ],
    }
    path = tmp_path_factory.mktemp("report") / "report.json"
    path.write_text(json.dumps(facts))
    return path


@pytest.fixture(scope="module")
def published(hub: Hub, home: Path, tiny_model: Path, report: Path) -> Hub:
    said = run(
        hub, home, "-m", "samehand", "push", tiny_model, "museum/tiny", "--report", report,
        "--licence", "apache-2.0",
    )  # fmt: skip
    assert said.startswith(f"published museum/tiny: {hub.url}/museum/tiny/commit/")
    return hub


def test_push_makes_a_private_repository_of_the_models_files(published, tiny_model, report):
    assert published.private == {"museum/tiny"}
    files = published.files("museum/tiny", "main")
    there = {path.name for path in tiny_model.iterdir()} | {"README.md"}
    assert set(files) == there
    assert files["encoder.onnx"] == (tiny_model / "encoder.onnx").read_bytes()
    assert not (tiny_model / "README.md").exists()


def test_the_card_states_what_was_measured_to_the_hub(published):
    card = published.files("museum/tiny", "main")["README.md"].decode()
    header, body = card.removeprefix("---\n").split("\n---\n", 1)
    values = yaml.safe_load(header)
    assert (values["library_name"], values["license"]) == ("samehand", "apache-2.0")
    (entry,) = values["model-index"]
    assert entry["name"] == "tiny"
    measured = {
        (one["dataset"]["name"], metric["type"]): metric["value"]
        for one in entry["results"]
        for metric in one["metrics"]
    }
    assert measured == {
        ("unseen: all pairs", "auc"): 0.91,
        ("unseen: all pairs", "eer"): 0.17,
        ("unseen: all pairs", "cllr"): 0.55,
        ("unseen: same style pairs", "auc"): 0.91,
        ("unseen: same style pairs", "eer"): 0.17,
    }
    assert body.lstrip().startswith("# tiny\n")


ASK = """
import json, sys
from samehand import SameHand, SamehandError

def said(ask):
    try:
        return ask()
    except SamehandError as error:
        return str(error)

left, right = sys.argv[1:3]
answers = {
    "main": said(lambda: SameHand.from_pretrained("museum/tiny").compare(left, right).llr),
    "tag": said(lambda: SameHand.from_pretrained("museum/tiny", revision="v1").folder.identity),
    "named": said(lambda: SameHand("hf:museum/tiny@v1").folder.identity),
    "no revision": said(lambda: SameHand.from_pretrained("museum/tiny", revision="v9")),
    "no model": said(lambda: SameHand.from_pretrained("museum/nothing")),
    "no name": said(lambda: SameHand("hf:museum/tiny/x")),
    "other": said(lambda: SameHand.from_pretrained("museum/other")),
}
print(json.dumps(answers, default=str))
"""


@pytest.fixture(scope="module")
def pictures(work_of, tmp_path_factory) -> list[Path]:
    paths = [tmp_path_factory.mktemp("pictures") / f"{work}.png" for work in range(2)]
    for work, path in enumerate(paths):
        work_of(1, work).save(path)
    return paths


@pytest.fixture(scope="module")
def answers(published: Hub, home: Path, pictures: list[Path]) -> dict[str, object]:
    """What programs are told while the hub can be reached."""
    published.refs["museum/tiny"]["v1"] = published.refs["museum/tiny"]["main"]
    published.commit("museum/tiny", {"loader.py": b"raise SystemExit", "weights.pkl": b"\x80\x04."})
    published.commit("museum/other", {"config.yaml": b"a: 1"})
    published.asked.clear()
    return json.loads(run(published, home, "-c", ASK, *pictures))


def test_a_model_of_the_hub_answers_as_its_folder_does(answers, verifier, pictures):
    assert answers["main"] == verifier.compare(*pictures).llr


def test_a_revision_is_one_state_of_the_model(answers, verifier):
    assert answers["tag"] == answers["named"] == verifier.folder.identity


def test_what_is_not_on_the_hub_is_one_sentence(answers):
    assert answers["no revision"] == (
        "museum/tiny has no revision v9; name a branch, tag or commit"
    )
    assert str(answers["no model"]).startswith("the hub has no model museum/nothing")
    assert "is not a repository; name one as owner/name" in str(answers["no name"])
    assert "museum/other" in str(answers["other"])
    assert "config.json" in str(answers["other"])


def test_code_and_pickles_of_a_repository_are_never_fetched(answers, published):
    files = [path for path in published.asked if "/resolve/" in path]
    assert any(path.endswith("encoder.onnx") for path in files)
    assert not [path for path in files if path.endswith((".py", ".pkl"))]


def test_offline_a_fetched_model_opens_and_asks_nobody(answers, published, home, pictures):
    published.asked.clear()
    told = json.loads(run(published, home, "-c", ASK, *pictures, offline=True))
    assert told["main"] == answers["main"]
    assert told["named"] == answers["named"]
    assert "has not been fetched before" in told["no model"]
    assert published.asked == []


def test_the_command_line_takes_a_model_of_the_hub(answers, published, home, pictures):
    said = run(
        published, home, "-m", "samehand", "compare", *pictures, "--json", "--model",
        "hf:museum/tiny", offline=True,
    )  # fmt: skip
    assert json.loads(said)["llr"] == answers["main"]


def test_without_the_hub_a_model_is_refused_in_a_sentence(verifier):
    """The tests' own process is offline."""
    with pytest.raises(ModelError, match="museum/never at v2 has not been fetched before"):
        find_model("hf:museum/never@v2")


def test_a_card_without_a_report_states_the_calibration_artists(verifier):
    config = verifier.folder.config
    card = hub_card(config, "# tiny\n")
    again = hub_card(config, card)
    assert again == card
    (entry,) = yaml.safe_load(card.split("---\n")[1])["model-index"]
    (result,) = entry["results"]
    assert result["dataset"]["name"] == "25 calibration artists"
    assert result["metrics"][0]["value"] == round(config.calibration.points["eer"].error_rate, 4)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "is not a report.json"),
        ('{"results": 3}', "is not a report.json"),
        (
            '{"model": "other@1", "protocol": {"name": "a", "content_hash": "b"}, "results": []}',
            "figures of other@1, not of tiny@",
        ),
    ],
)
def test_a_report_of_something_else_is_refused(tiny_model, tmp_path, text, words):
    (tmp_path / "report.json").write_text(text)
    with pytest.raises(ModelError, match=words):
        publish_model(tiny_model, "museum/tiny", report=tmp_path / "report.json")


def test_a_report_that_is_not_there_is_one_sentence(tiny_model, tmp_path):
    with pytest.raises(ModelError, match=r"cannot read .*none\.json"):
        publish_model(tiny_model, "museum/tiny", report=tmp_path / "none.json")
