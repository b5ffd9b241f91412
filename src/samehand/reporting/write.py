"""A finished page to a file: HTML as it is, PDF by WeasyPrint."""

import datetime
import io
import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from html import unescape
from pathlib import Path
from typing import Any

from PIL import ImageFile

from samehand.errors import MissingExtraError, OutputError
from samehand.files import atomic_path, write_text

SUFFIXES = (".html", ".pdf")

_DATA = re.compile(r'<pre id="verdict">(.*?)</pre>', re.DOTALL)


def check_target(target: Path) -> None:
    """Refuse a file whose kind is none of `SUFFIXES`, before anything is computed.

    Raises:
        OutputError: It is neither.
        MissingExtraError: It is a PDF, and WeasyPrint is not installed.
    """
    if target.suffix.lower() not in SUFFIXES:
        raise OutputError(
            f"{target} ends in neither .html nor .pdf; name the report NAME.html or NAME.pdf"
        )
    if target.suffix.lower() == ".pdf":
        require_pdf()


def require_pdf() -> None:
    """Refuse before anything is computed, where no PDF can be written.

    Raises:
        MissingExtraError: WeasyPrint is not installed.
        OutputError: Pango is not.
    """
    _weasyprint()


def write_report(html: str, target: Path) -> None:
    """Write a report as HTML or PDF, by the file's ending.

    Args:
        html: The page.
        target: The .html or .pdf file to write.

    Raises:
        OutputError: The file cannot be written, or is neither.
        MissingExtraError: It is a PDF, and WeasyPrint is not installed.
    """
    check_target(target)
    if target.suffix.lower() == ".html":
        write_text(target, html)
        return
    with atomic_path(target) as temporary:
        temporary.write_bytes(pdf_of(html))


def pdf_of(html: str) -> bytes:
    """Return a report as PDF, with the verdict as data attached as a file.

    Args:
        html: The page.

    Raises:
        MissingExtraError: WeasyPrint is not installed.
        OutputError: Pango is not.
    """
    weasyprint = _weasyprint()
    document = weasyprint.HTML(string=html, url_fetcher=_fetcher())
    attached = []
    found = _DATA.search(html)
    if found is not None:
        # Equal pages make equal files, so no time of day goes into them.
        then = datetime.datetime(2000, 1, 1, tzinfo=datetime.UTC)
        attached.append(
            weasyprint.Attachment(
                string=unescape(found[1]),
                name="verdict.json",
                description="the verdict as data",
                created=then,
                modified=then,
            )
        )
    with _no_time_in_fonts():
        data: bytes = document.write_pdf(attachments=attached)
    return data


@contextmanager
def _no_time_in_fonts() -> Iterator[None]:
    """Keep the time out of the fonts that fontTools embeds: equal pages make equal files."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    os.environ.setdefault("SOURCE_DATE_EPOCH", "0")
    try:
        yield
    finally:
        if given is None:
            del os.environ["SOURCE_DATE_EPOCH"]


def _weasyprint() -> Any:  # noqa: ANN401
    # WeasyPrint has Pillow accept files that are cut short, in the whole process and for good.
    tolerant = ImageFile.LOAD_TRUNCATED_IMAGES
    try:
        # Without Pango it prints its own advice, on standard output, before it fails.
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
            # Without the system library harfbuzz-subset it embeds fonts by fontTools, as well.
            warnings.filterwarnings("ignore", "HarfBuzz-Subset", DeprecationWarning)
            import weasyprint
    except ImportError as error:
        raise MissingExtraError("a PDF", "report") from error
    except OSError as error:
        raise OutputError(
            "a PDF needs the system library Pango (Debian: libpango-1.0-0 libpangoft2-1.0-0); "
            "install it, or write .html and print that"
        ) from error
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = tolerant
    return weasyprint


def _fetcher() -> Any:  # noqa: ANN401
    """Return what lets WeasyPrint see the pictures inside the page and nothing outside it."""
    from weasyprint.urls import URLFetcher

    return URLFetcher(allowed_protocols=["data"])
