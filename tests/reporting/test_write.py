import ctypes.util
import io

import pytest
from PIL import Image

from samehand.errors import OutputError
from samehand.reporting.write import check_target, write_report


def test_html_is_written_as_it_is(tmp_path):
    write_report("<p>ä</p>", tmp_path / "r.html")
    assert (tmp_path / "r.html").read_bytes() == "<p>ä</p>".encode()


needs_pango = pytest.mark.skipif(
    ctypes.util.find_library("pangoft2-1.0") is None, reason="needs the system library Pango"
)


@needs_pango
def test_writing_a_pdf_leaves_pillow_as_strict_as_it_was(tmp_path):
    whole = io.BytesIO()
    Image.effect_noise((64, 64), 50).save(whole, "PNG")
    write_report("<title>r</title><p>words</p>", tmp_path / "r.pdf")
    with pytest.raises(OSError, match="truncated"):
        Image.open(io.BytesIO(whole.getvalue()[:1000])).load()


@needs_pango
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
