"""Collections on the web, over real HTTP on the loopback."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from collection_shapes import (
    Site,
    aic,
    cleveland,
    client,
    commons,
    get,
    manifests,
    met,
    nga,
    rijksmuseum,
    smk,
    table,
    three_manifests,
)

from samehand.catalogue.http import UnreachableError, check_address
from samehand.catalogue.prepare import prepare
from samehand.errors import CatalogueError, MissingExtraError


@pytest.fixture
def site():
    site = Site()
    yield site
    site.close()


def test_a_search_becomes_images_and_a_table_that_prepare_reads(site, tmp_path):
    cleveland(site, 8)
    assert get("cleveland", site, tmp_path / "f").paintings == 8
    first = table(tmp_path / "f")[0]
    assert first["artist"] == "workshop of Jan Steen (Dutch, 1626-1679)"
    assert (first["qualifier"], first["date_from"], first["date_to"]) == (
        "workshop of", "1645", "1655",
    )  # fmt: skip
    assert first["credit"] == "Gift"
    assert "zero" in first["licence"]
    report = prepare("csv", tmp_path / "f" / "paintings.csv", tmp_path / "c", split="image-level")
    assert (report.paintings, report.usable) == (8, 7)


def test_only_open_works_are_fetched_unless_asked(site, tmp_path):
    cleveland(site, share_license_status="Copyrighted")
    report = get("cleveland", site, tmp_path / "a")
    assert (report.paintings, report.closed) == (0, 3)
    assert not any("images" in path for path in site.asked)
    assert get("cleveland", site, tmp_path / "b", any_rights=True).paintings == 3


@pytest.mark.parametrize("museum", [aic, smk, met, rijksmuseum, commons])
def test_each_museum_gives_its_works_with_qualifier_years_and_licence(museum, site, tmp_path):
    museum(site)
    assert get(museum.__name__, site, tmp_path, "bosch").failed == []
    (row,) = table(tmp_path)
    assert row["qualifier"] == "follower of"
    assert (row["title"], row["date_from"], row["date_to"]) == ("T", "1500", "1510")
    assert row["licence"]
    assert row["credit"] == "C"
    assert row["source"]
    assert row["accession_number"] == ("" if museum is commons else "N1")
    assert (tmp_path / row["path"]).is_file()


def test_the_tables_of_the_nga_are_read_from_a_folder(site, tmp_path):
    nga(site, tmp_path)
    get("nga", site, tmp_path / "out", f"{tmp_path}:bosch")
    assert [row["credit"] for row in table(tmp_path / "out")] == ["C, D"]


def test_iiif_collections_hold_manifests_of_both_versions(site, tmp_path):
    manifests(site)
    get("iiif", site, tmp_path / "web", f"{site.base}/all")
    rows = table(tmp_path / "web")
    assert [row["title"] for row in rows] == ["Two", "Three"]
    assert [row["qualifier"] for row in rows] == ["after", ""]
    (tmp_path / "m.json").write_text(json.dumps(site.pages["/three"]))
    get("iiif", site, tmp_path / "file", str(tmp_path / "m.json"))
    assert len(table(tmp_path / "file")) == 1


def test_a_busy_server_is_asked_again_when_it_says(site, tmp_path):
    moments = []

    def busy(handler):
        moments.append(time.monotonic())
        if len(moments) == 1:
            return handler.answer(429, b"", "text/plain", Retry_After="1")
        if len(moments) == 2:
            return handler.answer(500, b"", "text/plain")
        return handler.answer(200, b'{"data": [], "info": {"total": 0}}', "application/json")

    site.pages["/api/artworks/"] = busy
    assert get("cleveland", site, tmp_path).paintings == 0
    assert len(moments) == 3
    assert moments[1] - moments[0] >= 1


@pytest.mark.parametrize(
    "image",
    [
        lambda h: h.answer(200, b"<html>", "text/html"),
        lambda h: h.answer(200, b"", "image/jpeg"),
        lambda h: h.answer(302, b"", "text/plain", Location="file:///etc/passwd"),
        lambda h: h.answer(302, b"", "text/plain", Location="/images/1.jpg"),
        lambda h: h.answer(404, b"", "text/plain"),
    ],
    ids=["html", "empty", "file", "loop", "gone"],
)
def test_a_bad_image_is_reported_and_the_others_are_kept(image, site, tmp_path):
    cleveland(site)
    site.pages["/images/1.jpg"] = image
    report = get("cleveland", site, tmp_path)
    assert (report.paintings, len(report.failed)) == (2, 1)
    assert len(list((tmp_path / "images").iterdir())) == 2


def test_a_huge_answer_is_refused_whether_or_not_it_says_how_huge(site):
    def endless(handler):
        handler.send_response(200)
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(b"x" * 2**16)
        except OSError:
            pass

    site.pages |= {"/endless": endless, "/large": b"x" * 2**21}
    for page in ("/endless", "/large"):
        with pytest.raises(UnreachableError, match="larger than 1 MiB"):
            client().get(site.base + page, most_bytes=2**20)


def test_a_trickle_is_given_up(site):
    def trickle(handler):
        handler.send_response(200)
        handler.end_headers()
        try:
            for _ in range(40):
                handler.wfile.write(b"x" * 2**16)
                time.sleep(0.05)
        except OSError:
            pass

    site.pages["/slow"] = trickle
    with pytest.raises(UnreachableError, match="took longer"):
        client(patience=0.3).get(site.base + "/slow")


def test_private_addresses_are_never_asked_unless_allowed(site):
    port = site.base.rsplit(":", 1)[1]
    for host in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0", "169.254.169.254"):
        with pytest.raises(UnreachableError, match="private"):
            client(allow_private=False, tries=1).get(f"http://{host}:{port}/x")
    assert not site.asked
    for address in ("file:///etc/passwd", "ftp://x/y", "http://a:b@x/", "http://[", "x"):
        with pytest.raises(UnreachableError):
            check_address(address, allow_private=True)


@pytest.mark.parametrize("body", [b"{", b"[1]", b'"x"', b'{"data": [{"images": 3}]}'])
def test_malformed_answers_are_one_sentence(body, site, tmp_path):
    site.pages["/api/artworks/"] = lambda h: h.answer(200, body, "application/json")
    with pytest.raises(CatalogueError, match=site.base):
        get("cleveland", site, tmp_path)
    # A bad answer is not remembered: once the collection is well again, so is the command.
    cleveland(site)
    assert get("cleveland", site, tmp_path).paintings == 3


def test_the_command_fetches_from_an_address_and_says_what_it_left_out(site, tmp_path, samehand):
    manifests(site)
    arguments = ("fetch", "iiif", f"{site.base}/all", "--out", tmp_path / "f", "--size", "600",
                 "--pause", "0", "--private")  # fmt: skip
    code, said, err = samehand(*arguments)
    assert code == 0, err
    assert said == (
        f"wrote 2 paintings to {tmp_path / 'f' / 'paintings.csv'}; left out 0 without an open "
        "licence, 0 without an image, 0 failed\n"
        f"next: samehand prepare table {tmp_path / 'f' / 'paintings.csv'} "
        f"--out {tmp_path / 'f'}-catalogue\n"
    )
    assert [row["qualifier"] for row in table(tmp_path / "f")] == ["after", ""]
    code, _, err = samehand(*arguments[:-1])
    assert code == 2
    assert "allow that with --private" in err
    code, _, err = samehand(*arguments[:2], f"{site.base}/none", "--out", tmp_path / "g",
                            "--private")  # fmt: skip
    assert code == 2
    assert "HTTP 404" in err


def test_without_urllib3_one_sentence_names_the_extra_and_nothing_is_written(
    tmp_path, samehand, monkeypatch
):
    monkeypatch.setitem(sys.modules, "urllib3", None)
    code, _, err = samehand("fetch", "cleveland", "steen", "--out", tmp_path / "f")
    assert (code, err.count("\n")) == (2, 1)
    assert "samehand[fetch]" in err
    assert not (tmp_path / "f").exists()
    with pytest.raises(MissingExtraError):
        client().get("http://example.org/")


def test_the_art_institute_is_told_who_asks_and_others_are_not(site, tmp_path):
    told = {}

    def noting(handler):
        told[handler.path.split("/")[1]] = handler.headers["AIC-User-Agent"]
        return handler.answer(200, json.dumps(shapes[handler.path.split("?")[0]]).encode(), "json")

    aic(site)
    cleveland(site)
    shapes = {path: site.pages[path] for path in ("/api/v1/artworks/search", "/api/artworks/")}
    site.pages |= dict.fromkeys(shapes, noting)
    get("aic", site, tmp_path / "a", "bosch")
    assert told["api"].startswith("samehand/")
    get("cleveland", site, tmp_path / "c")
    assert told["api"] is None


def test_names_from_the_web_never_leave_the_folder(site, tmp_path):
    cleveland(site, 1, id="../../../evil", title="../../x")
    get("cleveland", site, tmp_path / "out")
    (row,) = table(tmp_path / "out")
    assert (tmp_path / "out" / row["path"]).resolve().parent == tmp_path / "out" / "images"


def test_a_finished_search_asks_only_whether_it_changed(site, tmp_path):
    cleveland(site)
    body = json.dumps(site.pages["/api/artworks/"]).encode()

    def tagged(handler):
        if handler.headers["If-None-Match"] == '"v1"':
            return handler.answer(304, b"", "application/json", ETag='"v1"')
        return handler.answer(200, body, "application/json", ETag='"v1"')

    site.pages["/api/artworks/"] = tagged
    get("cleveland", site, tmp_path)
    get("cleveland", site, tmp_path)
    assert sorted(site.asked.values()) == [1, 1, 1, 2]
    with pytest.raises(CatalogueError, match="another search"):
        get("cleveland", site, tmp_path, "other")


def test_a_killed_run_resumes_without_asking_for_anything_twice(site, tmp_path):
    cleveland(site, 12)
    code = (
        "from samehand.catalogue.fetch import fetch; from samehand.catalogue.http import Client;"
        f"fetch('cleveland', 'steen', {str(tmp_path)!r}, size=600, base={site.base!r},"
        "client=Client(pause=0.15, allow_private=True))"
    )
    process = subprocess.Popen([sys.executable, "-c", code], env=os.environ)
    while len(list(tmp_path.glob("images/[!.]*.jpg"))) < 4:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    time.sleep(0.1)
    # The image that was under way when the run was killed may have to be asked for again.
    under_way = site.asked.total() - 1 - len(list(tmp_path.glob("images/[!.]*.jpg")))
    assert under_way in (0, 1)
    assert get("cleveland", site, tmp_path).paintings == 12
    assert next(count for path, count in site.asked.items() if "artworks" in path) == 1
    assert site.asked.total() == 13 + under_way
    assert len(table(tmp_path)) == 12


@pytest.mark.slow
def test_prepare_and_gallery_add_take_a_collection_by_its_name(
    site, tmp_path, samehand, monkeypatch
):
    monkeypatch.setenv("SAMEHAND_HOME", str(tmp_path / "home"))
    address = three_manifests(site)
    out = tmp_path / "catalogue"
    found = samehand(
        "prepare", "iiif", address, "--out", out, "--private", "--validation-artists", 1
    )
    assert found.code == 0, found.err
    assert "3 paintings of iiif are in" in found.err
    report = json.loads((out / "prepare-report.json").read_text())
    assert (report["kind"], report["location"], report["paintings"]) == ("Online", address, 3)
    assert samehand("gallery", "create", "g").code == 0
    added = samehand("gallery", "add", "g", f"iiif:{address}", "--private", "--limit", 1)
    assert added.code == 0, added.err
    listed = samehand("gallery", "list", "g", "--json").out
    assert json.loads(listed)["artist"] == "Painter 0"
    refused = samehand("gallery", "add", "g", f"iiif:{address}x", "--private")
    assert refused.code == 2
    assert "HTTP 404" in refused.err
    private = samehand("prepare", "iiif", address, "--out", tmp_path / "other")
    assert private.code == 2
    assert "private network" in private.err
