"""A catalogue described in Croissant 1.0, the vocabulary of machine-learning data sets.

https://docs.mlcommons.org/croissant/docs/croissant-spec.html. With it other tools load a prepared
catalogue without knowing samehand.
"""

import json
from pathlib import Path
from typing import Any

import polars as pl

from samehand.catalogue.schema import CATALOGUE_NAME, SCHEMA
from samehand.files import sha256_file, write_text

CROISSANT_NAME = "croissant.json"

Node = dict[str, Any]

_CR = (
    "citeAs", "column", "equivalentProperty", "extract", "field", "fileProperty", "fileObject",
    "fileSet", "format", "includes", "isLiveDataset", "jsonPath", "key", "md5", "parentField",
    "path", "recordSet", "references", "regex", "repeated", "replace", "samplingRate", "separator",
    "source", "subField", "transform",
)  # fmt: skip
_CONTEXT: Node = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
} | {name: f"cr:{name}" for name in _CR}

_TYPES: dict[type[pl.DataType], str] = {
    pl.String: "sc:Text",
    pl.Int64: "sc:Integer",
    pl.Boolean: "sc:Boolean",
}

_MEANING = {
    "painting_id": "Unique within the catalogue.",
    "path": "The cached image, relative to this file.",
    "artist": "Who made it, as the source says.",
    "artist_id": "Of a name authority: ULAN or Wikidata.",
    "qualifier": "How a work that is not by the artist's own hand stands to the artist.",
    "date_from": "The first year that the date allows.",
    "date_to": "The last year that the date allows.",
    "accession_number": "What the collection calls the work.",
    "sha256": "Hash of the cached image.",
    "phash": "64-bit perceptual hash, 16 hexadecimal digits.",
    "split": "train, validation or test; artists are disjoint unless the source says otherwise.",
    "exclusion": "Why the painting may appear in no pair.",
}


def write_croissant(folder: Path, name: str, frame: pl.DataFrame) -> None:
    """Describe a catalogue that was written into a folder.

    Args:
        folder: The catalogue's folder.
        name: What the collection is called.
        frame: The catalogue.

    Raises:
        OutputError: The folder cannot be written.
    """
    usable = frame.filter(pl.col("exclusion").is_null())
    told = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": name,
        "description": (
            f"{frame.height:,} paintings, {usable.height:,} of them usable, by "
            f"{usable['artist'].n_unique():,} artists, prepared for verification of artists: were "
            "two paintings made by the same artist?"
        ),
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": "catalogue",
                "name": CATALOGUE_NAME,
                "description": "A row a painting.",
                "contentUrl": CATALOGUE_NAME,
                "encodingFormat": "application/x-parquet",
                "sha256": sha256_file(folder / CATALOGUE_NAME),
            },
            {
                "@type": "cr:FileSet",
                "@id": "images",
                "name": "images",
                "description": "The cached images that the rows name.",
                "encodingFormat": "image/*",
                "includes": "images/*",
            },
        ],
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": "paintings",
                "name": "paintings",
                "key": {"@id": "paintings/painting_id"},
                "field": [_field(column) for column in SCHEMA],
            }
        ],
    }
    write_text(folder / CROISSANT_NAME, json.dumps(told, indent=1, ensure_ascii=False) + "\n")


def _field(column: str) -> Node:
    return {
        "@type": "cr:Field",
        "@id": f"paintings/{column}",
        "name": column,
        "description": _MEANING.get(column, f"Column {column} of the catalogue."),
        "dataType": _TYPES[SCHEMA[column]],
        "source": {"fileObject": {"@id": "catalogue"}, "extract": {"column": column}},
    }
