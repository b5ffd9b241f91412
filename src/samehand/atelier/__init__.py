"""A procedural atelier: synthetic paintings with known makers, so that nothing is downloaded."""

from samehand.atelier.brush import paint, repaint
from samehand.atelier.collection import build_atelier
from samehand.atelier.painters import SCHOOLS, Painter, painter

__all__ = ["SCHOOLS", "Painter", "build_atelier", "paint", "painter", "repaint"]
