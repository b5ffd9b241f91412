"""Colours mean something, and can be told apart: orange one artist, blue two, red an action."""

import colorsys
import re
from pathlib import Path

import pytest

from samehand.evaluation.plots import COLOURS, GENUINE, IMPOSTOR
from samehand.explain.evidence_picture import DIFFERENT, SAME, WINDOWS

STATIC = Path(__file__).parents[2] / "src" / "samehand" / "web" / "static"
SHEETS = {name: (STATIC / name).read_text(encoding="utf-8") for name in ("style.css", "pages.css")}
DARK = "@media (prefers-color-scheme: dark)"
HUES = [f"hue{number}" for number in range(1, 8)]
HEX = re.compile(r"#[0-9a-f]{6}\b", re.IGNORECASE)


def palette(scheme: str) -> dict[str, str]:
    """Return the named colours of both style sheets in a scheme."""
    found: dict[str, str] = {}
    for text in SHEETS.values():
        light, _, rest = text.partition(DARK)
        dark = rest[: rest.find("\n}")]
        for part in (light, dark) if scheme == "dark" else (light,):
            found |= dict(re.findall(r"--([a-z0-9-]+): (#[0-9a-f]{6})", part))
    return found


def parts(colour: str) -> tuple[float, ...]:
    return tuple(int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))


def hexadecimal(colour: tuple[int, int, int]) -> str:
    return f"#{bytes(colour).hex()}"


def luminance(colour: str) -> float:
    """Return the relative luminance of WCAG 2.2."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of WCAG 2.2, 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def means_an_artist(colour: str) -> bool:
    """Return whether a colour reads as the orange of one artist or the blue of two."""
    hue, light, full = colorsys.rgb_to_hls(*parts(colour))
    strength = full * (1 - abs(2 * light - 1))
    return strength > 0.3 and (15 <= 360 * hue <= 42 or 190 <= 360 * hue <= 225)


def rules() -> list[tuple[str, str]]:
    """Return the selectors and the declarations of every rule."""
    text = "\n".join(re.sub(r"/\*.*?\*/", "", sheet, flags=re.S) for sheet in SHEETS.values())
    return [
        (selector.strip(), body) for selector, body in re.findall(r"([^{}]+)\{([^{}]*)\}", text)
    ]


def test_contrast_is_that_of_the_guidelines():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_and_what_is_drawn_can_be_read(scheme):
    named = palette(scheme)
    for ground in ("paper", "sheet", "wash"):
        for text in ("ink", "quiet", "pigment"):
            assert contrast(named[text], named[ground]) >= 4.5, (text, ground)
        for drawn in ("one", "two", "unusual"):
            assert contrast(named[drawn], named[ground]) >= 3, (drawn, ground)
    assert contrast(named["pigment-ink"], named["pigment"]) >= 4.5
    for hue in (*HUES, "quiet"):
        assert contrast(named[hue], named["sheet"]) >= 3, hue


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_artist_of_the_map_has_the_colours_of_a_verdict(scheme):
    named = palette(scheme)
    assert means_an_artist(named["one"])
    assert means_an_artist(named["two"])
    assert [hue for hue in HUES if means_an_artist(named[hue])] == []


def test_orange_and_blue_stand_only_where_one_and_two_artists_are_meant():
    meant = re.compile(r"one|two|supports|contradicts|for\b|against|:root")
    for selector, body in rules():
        coloured = [c for c in HEX.findall(body) if means_an_artist(c)]
        if coloured or "var(--one)" in body or "var(--two)" in body:
            assert meant.search(selector), selector


def test_red_is_for_what_can_be_done():
    acts = re.compile(r"^a$|focus-visible|button|input|summary|::file-selector-button")
    for selector, body in rules():
        if "var(--pigment)" in body:
            assert acts.search(selector), selector


def test_figures_have_the_colours_of_the_pages():
    named = palette("light")
    assert (GENUINE, IMPOSTOR) == (named["one"], named["two"])
    assert [hexadecimal(SAME), hexadecimal(DIFFERENT)] == [GENUINE, IMPOSTOR]
    for colour in (*COLOURS, *map(hexadecimal, WINDOWS)):
        assert not means_an_artist(colour), colour
    for colour in COLOURS:
        assert contrast(colour, "#ffffff") >= 3, colour


def test_reports_on_paper_keep_to_them_too():
    for template in (STATIC.parents[1] / "reporting" / "templates").glob("*.j2"):
        text = template.read_text(encoding="utf-8")
        assert [colour for colour in HEX.findall(text) if means_an_artist(colour)] == []
