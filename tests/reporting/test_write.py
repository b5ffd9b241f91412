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


@pytest.mark.usefixtures("pango")
def test_writing_a_pdf_leaves_pillow_as_strict_as_it_was(tmp_path):
    whole = io.BytesIO()
    Image.effect_noise((64, 64), 50).save(whole, "PNG")
    write_report("<title>r</title><p>words</p>", tmp_path / "r.pdf")
    with pytest.raises(OSError, match="truncated"):
        Image.open(io.BytesIO(whole.getvalue()[:1000])).load()


@pytest.mark.usefixtures("pango")
def test_a_pdf_is_one_and_fetches_nothing(tmp_path):
    target = tmp_path / "r.pdf"
    write_report("<title>r</title><p>words</p>", target)
    assert target.read_bytes().startswith(b"%PDF-")
    first = target.read_bytes()
    write_report("<title>r</title><p>words</p>", target)
    assert target.read_bytes() == first


@pytest.mark.usefixtures("pango")
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


def test_without_pango_one_sentence_says_what_to_install(tmp_path):
    script = (
        "import sys, pathlib, cffi\n"
        "real = cffi.FFI.dlopen\n"
        "def without(self, name=None, *rest):\n"
        "    if 'pango' in str(name) or 'gobject' in str(name):\n"
        "        raise OSError(name)\n"
        "    return real(self, name, *rest)\n"
        "cffi.FFI.dlopen = without\n"
        "from samehand.errors import OutputError\n"
        "from samehand.reporting.write import write_report\n"
        "try:\n"
        "    write_report('<p>words</p>', pathlib.Path(sys.argv[1]))\n"
        "except OutputError as error:\n"
        "    print(error)\n"
    )
    target = tmp_path / "r.pdf"
    command = [sys.executable, "-c", script, str(target)]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ended.stderr == ""
    assert ended.stdout.count("\n") == 1
    assert "needs the system library Pango" in ended.stdout
    assert not target.exists()
