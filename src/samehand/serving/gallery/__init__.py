"""The gallery: a stored, searchable collection of works with their embeddings."""

from samehand.serving.gallery.gallery import Gallery
from samehand.serving.gallery.works import StoredWork, Work

__all__ = ["Gallery", "StoredWork", "Work"]
