"""How the evidence of a reference set grows, as a drawing inside the page."""

import math
from collections.abc import Sequence
from xml.etree import ElementTree

from samehand.results import GrowthStep

_WIDTH, _HEIGHT = 720, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 50, 700, 14, 180
Place = tuple[float, float]

_FEW = 20
"""So many numbers fit under the axis."""


def draw_growth(growth: Sequence[GrowthStep]) -> str:
    """Return SVG of the mean llr and its range for 1, 2, ... references; empty for fewer than two.

    Args:
        growth: A step for each number of references, ascending.
    """
    if len(growth) < 2:
        return ""
    low = min(-1, math.floor(min(step.lowest for step in growth)))
    high = max(1, math.ceil(max(step.highest for step in growth)))

    def x(step: int) -> float:
        return round(_LEFT + 20 + (_RIGHT - _LEFT - 40) * step / (len(growth) - 1), 1)

    def y(llr: float) -> float:
        return round(_BOTTOM - (_BOTTOM - _TOP) * (llr - low) / (high - low), 1)

    said = ", ".join(f"{step.references}: {step.llr:+.2f}" for step in growth)
    svg = ElementTree.Element(
        "svg",
        # WeasyPrint lets no style sheet of the page into a drawing, so attributes say it all.
        {
            "class": "wide",
            "viewBox": f"0 0 {_WIDTH} {_HEIGHT}",
            "role": "img",
            "aria-label": f"log10 likelihood ratio by number of references: {said}",
            "font-family": "Arial, Liberation Sans, DejaVu Sans, sans-serif",
            "font-size": "12",
            "fill": "#55555a",
        },
    )
    for tick in range(low, high + 1):
        colour = "#1c1c1e" if tick == 0 else "#d6d3ca"
        _line(svg, (_LEFT, y(tick)), (_RIGHT, y(tick)), colour)
        _text(svg, (_LEFT - 8, y(tick) + 4), f"{tick:+d}" if tick else "0", "end")
    upper = [(x(at), y(step.highest)) for at, step in enumerate(growth)]
    lower = [(x(at), y(step.lowest)) for at, step in enumerate(growth)]
    middle = [(x(at), y(step.llr)) for at, step in enumerate(growth)]
    _shape(svg, "polygon", [*upper, *reversed(lower)], {"fill": "#d6d3ca", "fill-opacity": "0.7"})
    _shape(svg, "polyline", middle, {"fill": "none", "stroke": "#1c1c1e", "stroke-width": "1.5"})
    every = math.ceil(len(growth) / _FEW)
    for at, (place, step) in enumerate(zip(middle, growth, strict=True)):
        dot = {"cx": f"{place[0]}", "cy": f"{place[1]}", "r": "3.5", "fill": "#1c1c1e"}
        ElementTree.SubElement(svg, "circle", dot)
        if at == 0 or step.references % every == 0:
            _text(svg, (place[0], _BOTTOM + 17), str(step.references), "middle")
    _text(svg, ((_LEFT + _RIGHT) / 2, _HEIGHT - 6), "number of references", "middle")
    return ElementTree.tostring(svg, encoding="unicode")


def _line(svg: ElementTree.Element, start: Place, end: Place, colour: str) -> None:
    places = {"x1": start[0], "y1": start[1], "x2": end[0], "y2": end[1]}
    drawn = {name: str(value) for name, value in places.items()}
    ElementTree.SubElement(svg, "line", drawn | {"stroke": colour})


def _text(svg: ElementTree.Element, place: Place, words: str, anchor: str) -> None:
    drawn = {"x": str(place[0]), "y": str(place[1]), "text-anchor": anchor}
    ElementTree.SubElement(svg, "text", drawn).text = words


def _shape(
    svg: ElementTree.Element, kind: str, places: Sequence[Place], drawn: dict[str, str]
) -> None:
    points = " ".join(f"{across},{down}" for across, down in places)
    ElementTree.SubElement(svg, kind, {"points": points} | drawn)
