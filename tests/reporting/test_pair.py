import html
import json
import re

import pytest

from samehand.reporting.case import Case
from samehand.reporting.pair import pair_report
from samehand.reporting.write import require_pdf
from samehand.verification.verifier import SameHand

NAME = 'Mary "May" <b>O\'Hara</b> & co.png'


@pytest.fixture(scope="module")
def files(work_of, tmp_path_factory):
    folder = tmp_path_factory.mktemp("works")
    for work in range(2):
        work_of(0, work).save(folder / f"{work}.png")
    return [folder / "0.png", folder / "1.png"]


def opened(verifier: SameHand, files):
    return [verifier.open(path, path.name) for path in files]


@pytest.fixture(scope="module")
def page(verifier: SameHand, files) -> str:
    return pair_report(verifier, *opened(verifier, files), date="2026-01-02", prior=0.2)


def test_its_figures_are_those_of_the_verdict(verifier: SameHand, files, page: str):
    verdict = verifier.compare(*opened(verifier, files), prior=0.2)
    shown = re.search(r'<pre id="verdict">(.*?)</pre>', page, re.DOTALL)
    assert shown
    expected = verdict.to_dict()
    del expected["seconds"], expected["evidence"]
    assert json.loads(html.unescape(shown[1])) == expected
    text = html.unescape(page)
    assert f"{verdict.llr:+.2f}" in text
    assert f"{verdict.probability:.0%} that one artist made both, from 20% before" in text
    assert verdict.strength[1:] in text
    for painting in opened(verifier, files):
        assert painting.sha256 in text
    assert verdict.model in text
    assert verifier.folder.config.files["encoder.onnx"] in text


def test_it_asks_for_nothing_from_outside(page: str):
    assert not re.findall(r"(?:src|href)\s*=\s*\"(?!data:image/)", page)
    assert "url(" not in page
    assert "@import" not in page
    assert "<script" not in page
    assert len(page) < 2_000_000


def test_the_same_day_gives_the_same_bytes(verifier: SameHand, files, page: str):
    again = pair_report(verifier, *opened(verifier, files), date="2026-01-02", prior=0.2)
    assert again == page
    other = pair_report(verifier, *opened(verifier, files), date="2026-01-03", prior=0.2)
    assert other == page.replace("2026-01-02", "2026-01-03")


def test_names_cannot_write_html(verifier: SameHand, files):
    works = verifier.open(files[0].read_bytes(), NAME), verifier.open(files[1])
    page = pair_report(verifier, *works, date="<i>today</i>")
    assert "<b>O'Hara" not in page
    assert "<i>today" not in page
    assert html.escape(NAME, quote=False).split("&amp;")[0].split('"')[0] in page
    assert NAME in html.unescape(page)


@pytest.mark.usefixtures("pango")
@pytest.mark.parametrize("size", [(300, 420), (420, 180)])
def test_on_paper_it_fills_two_pages_and_nothing_is_cut(verifier: SameHand, work_of, size):
    # Imported as the product does, which keeps Pillow as strict as it was.
    require_pdf()
    import weasyprint

    works = [verifier.open(work_of(0, number, size)) for number in range(2)]
    case = Case("a mill", "1903.12", "the museum's studio, raking light excluded " * 2, "whose?")
    page = pair_report(verifier, *works, date="2026-01-02", case=case)
    document = weasyprint.HTML(string=page).render()
    # With Liberation Sans or Arial it is two; a machine with wider letters may need a third.
    assert len(document.pages) in (2, 3)
    texts = [_texts(one._page_box) for one in document.pages]
    first, *rest = ("".join(text.split()) for text in texts)
    second = "".join(rest)
    for words in ("raking light excluded", "What is weighed against what", "What to do next"):
        assert "".join(words.split()) in first + second
    for words in ("Which regions correspond", "does not authenticate", works[1].sha256):
        assert "".join(words.split()) in second
    assert '"llr"' not in first + second


def _texts(box) -> str:
    return getattr(box, "text", "") + "".join(_texts(one) for one in getattr(box, "children", ()))
