import pytest

from samehand.errors import OutputError
from samehand.reporting.write import check_target, write_report


def test_html_is_written_as_it_is(tmp_path):
    write_report("<p>ä</p>", tmp_path / "r.html")
    assert (tmp_path / "r.html").read_bytes() == "<p>ä</p>".encode()


def test_a_pdf_is_one_and_fetches_nothing(tmp_path):
    target = tmp_path / "r.pdf"
    write_report("<title>r</title><p>words</p>", target)
    assert target.read_bytes().startswith(b"%PDF-")
    first = target.read_bytes()
    write_report("<title>r</title><p>words</p>", target)
    assert target.read_bytes() == first


def test_other_kinds_are_refused(tmp_path):
    with pytest.raises(OutputError, match=r"r\.doc is neither \.html nor \.pdf"):
        check_target(tmp_path / "r.doc")
    with pytest.raises(OutputError):
        write_report("", tmp_path / "r.doc")
    assert not list(tmp_path.iterdir())
