"""Every collection, over real HTTP on the loopback, when the web is slow, failing or hostile."""

import copy
import json
import time
from collections import Counter
from dataclasses import dataclass

import numpy as np
import pytest
from collection_shapes import (
    Site,
    aic,
    cleveland,
    client,
    commons,
    manifests,
    met,
    nga,
    rijksmuseum,
    smk,
    table,
)

from samehand.catalogue.fetch import fetch
from samehand.catalogue.http import Client
from samehand.errors import CatalogueError

SOURCES = {
    "aic": aic,
    "cleveland": cleveland,
    "smk": smk,
    "met": met,
    "rijksmuseum": rijksmuseum,
    "commons": commons,
    "iiif": manifests,
    "nga": nga,
}
source = pytest.mark.parametrize("name", SOURCES)


@pytest.fixture
def site():
    site = Site()
    yield site
    site.close()


@pytest.fixture
def ask(site, tmp_path):
    """Fetch from a collection that is set up on the loopback."""
    tables = tmp_path / "tables"
    tables.mkdir()

    def run(name, out="out", **changes):
        SOURCES[name](site, *([tables] if name == "nga" else []))
        return again(name, out, **changes)

    def again(name, out="out", **changes):
        words = {"nga": f"{tables}:bosch", "iiif": f"{site.base}/all"}.get(name, "bosch")
        asked = {"size": 600, "client": client(), "base": site.base} | changes
        return fetch(name, words, tmp_path / out, **asked)

    run.again = again
    return run


def outcome(call, *words):
    """Return what a call gives, or the sentence that it is refused in."""
    try:
        return call(*words), ""
    except CatalogueError as error:
        return None, str(error)


def slow(handler, times):
    time.sleep(0.03)
    return False


def failing(handler, times):
    if times == 1:
        handler.answer(503, b"busy", "text/plain")
    return times == 1


def limiting(handler, times):
    if times == 1:
        handler.answer(429, b"", "text/plain", Retry_After="0")
    return times == 1


def redirecting(handler, times):
    moved = handler.path.startswith("/moved")
    if not moved:
        handler.answer(302, b"", "text/plain", Location="/moved" + handler.path)
    return not moved


def breaking_off(handler, times):
    if times == 1:
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b'{"data": [')
        handler.close_connection = True
    return times == 1


@source
@pytest.mark.parametrize("weather", [slow, failing, limiting, redirecting, breaking_off])
def test_in_bad_weather_a_collection_gives_what_it_gives_in_good(
    name, weather, site, ask, tmp_path
):
    ask(name, "good")
    expected = table(tmp_path / "good")
    assert expected
    paths = Counter(dict.fromkeys(site.asked, 1))
    site.asked.clear()
    site.weather = weather
    report = ask.again(name, "bad")
    assert report.failed == []
    assert table(tmp_path / "bad") == expected
    if weather is redirecting:
        paths += Counter({f"/moved{path}": count for path, count in paths.items()})
    elif weather is not slow:
        paths += paths
    assert site.asked == paths


@source
@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<html>", "text/html"),
        (b"{", "application/json"),
        (b"[" * 100_000, "application/json"),
        (b"null", "application/json"),
        (b"\xff\xfe\x00", "image/jpeg"),
    ],
    ids=["html", "cut", "deep", "null", "bytes"],
)
def test_malformed_answers_are_one_sentence_and_are_not_remembered(
    name, body, kind, site, ask, tmp_path
):
    def malformed(handler, times):
        handler.answer(200, body, kind)
        return True

    site.weather = malformed
    report, said = outcome(ask, name)
    if name == "nga":
        # Only images come over the web.
        assert report.paintings + len(report.failed) == 1
    else:
        assert site.base in said
        assert "\n" not in said
    for path in (tmp_path / "out" / "images").iterdir():
        path.unlink()
    site.weather = None
    assert ask.again(name).failed == []
    assert len(table(tmp_path / "out")) == ask.again(name, "good").paintings > 0


@source
@pytest.mark.parametrize(
    "location",
    ["file:///etc/passwd", "ftp://127.0.0.1/x", "//[", "http://a:b@127.0.0.1/", "javascript:x"],
)
def test_no_redirect_leads_anywhere_but_to_the_web(name, location, site, ask, tmp_path):
    def leading_away(handler, times):
        handler.answer(302, b"", "text/plain", Location=location)
        return True

    site.weather = leading_away
    report, said = outcome(ask, name)
    assert "\n" not in said
    assert said or (report.paintings, len(report.failed)) == (0, 1)
    assert list((tmp_path / "out" / "images").iterdir()) == []


HOSTILE = [
    None, 3, True, [], {}, [None], [[]], {"x": 1}, "", "../../../../etc/passwd",
    "file:///etc/passwd", "\x00", "http://[", "x" * 10_000, "=cmd()", 10**400,
]  # fmt: skip


def places(value, before=()):
    """Yield where each value of a JSON document stands."""
    yield before
    inner = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, one in inner:
        yield from places(one, (*before, key))


def changed(document, place, value):
    if not place:
        return value
    document = copy.deepcopy(document)
    inner = document
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    return document


@source
def test_any_value_of_an_answer_may_be_hostile(name, site, ask, tmp_path):
    ask(name, "good")
    pages = {path: page for path, page in site.pages.items() if isinstance(page, dict)}
    targets = [(path, place) for path, page in pages.items() for place in places(page)]
    draw = np.random.default_rng(len(name))
    told = 0
    for number in range(60 if targets else 0):
        path, place = targets[draw.integers(len(targets))]
        value = HOSTILE[draw.integers(len(HOSTILE))]
        site.pages[path] = changed(pages[path], place, value)
        _, said = outcome(ask.again, name, f"out{number}")
        told += bool(said)
        assert "\n" not in said
        for row in [] if said else table(tmp_path / f"out{number}"):
            kept = (tmp_path / f"out{number}" / row["path"]).resolve()
            assert kept.parent == tmp_path / f"out{number}" / "images"
        site.pages[path] = pages[path]
    assert {one.name for one in tmp_path.iterdir() if not one.name.startswith("out")} == {
        "good", "tables",
    }  # fmt: skip
    assert told or name == "nga"


class KilledError(BaseException):
    """Stands for the end of the process: nothing catches it."""


@dataclass(slots=True)
class Dying(Client):
    """A client whose process ends once it has asked so often."""

    life: int = 0

    def get(self, address, **more):
        if self.life == 0:
            raise KilledError
        self.life -= 1
        return super(Dying, self).get(address, **more)


@source
def test_a_run_that_ends_at_any_request_resumes_without_asking_twice(name, site, ask, tmp_path):
    ask(name, "good")
    expected, requests = table(tmp_path / "good"), site.asked.total()
    for life in range(requests):
        site.asked.clear()
        dying = Dying(pause=0.0, timeout=2.0, allow_private=True, tries=3, life=life)
        with pytest.raises(KilledError):
            ask.again(name, f"out{life}", client=dying)
        assert site.asked.total() == life
        ask.again(name, f"out{life}")
        assert table(tmp_path / f"out{life}") == expected
        assert set(site.asked.values()) == {1}
        assert site.asked.total() == requests


def test_the_shapes_are_json():
    # So that a change of a shape cannot hide behind a value that no server could send.
    site = Site()
    try:
        for name, build in SOURCES.items():
            if name != "nga":
                build(site)
        for page in site.pages.values():
            if isinstance(page, dict):
                assert json.loads(json.dumps(page)) == page
    finally:
        site.close()
