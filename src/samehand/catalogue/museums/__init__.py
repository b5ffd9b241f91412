"""Collections with an open interface, one module each; see `offers.Museum`."""

from samehand.catalogue.museums import aic, cleveland, commons, met, rijksmuseum, smk
from samehand.catalogue.offers import Museum

MUSEUMS: dict[str, tuple[Museum, str]] = {
    "aic": (aic.offers, "https://api.artic.edu"),
    "cleveland": (cleveland.offers, "https://openaccess-api.clevelandart.org"),
    "smk": (smk.offers, "https://api.smk.dk"),
    "met": (met.offers, "https://collectionapi.metmuseum.org"),
    "rijksmuseum": (rijksmuseum.offers, "https://data.rijksmuseum.nl"),
    "commons": (commons.offers, "https://commons.wikimedia.org"),
}
"""Name to reader, and to the scheme and host of the interface."""
