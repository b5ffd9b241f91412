import ctypes.util
import io
import subprocess
import sys

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


@needs_pango
def test_a_pdf_needs_no_further_system_library(tmp_path):
    """A process of its own, since WeasyPrint looks for libraries once."""
    script = (
        "import sys, pathlib, cffi\n"
        "real = cffi.FFI.dlopen\n"
        "def without(self, name=None, *rest):\n"
        "    if 'harfbuzz-subset' in str(name) or 'harfbuzz-vector' in str(name):\n"
        "        raise OSError(name)\n"
        "    return real(self, name, *rest)\n"
        "cffi.FFI.dlopen = without\n"
        "from samehand.reporting.write import write_report\n"
        "write_report('<p>words</p>', pathlib.Path(sys.argv[1]))\n"
        "from weasyprint.text import ffi\n"
        "assert ffi.harfbuzz_subset is None\n"
    )
    target = tmp_path / "r.pdf"
    command = [sys.executable, "-W", "error", "-c", script, str(target)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert target.read_bytes().startswith(b"%PDF-")


def test_other_kinds_are_refused(tmp_path):
    with pytest.raises(OutputError, match=r"r\.doc ends in neither \.html nor \.pdf"):
        check_target(tmp_path / "r.doc")
    with pytest.raises(OutputError):
        write_report("", tmp_path / "r.doc")
    assert not list(tmp_path.iterdir())
