"""What the columns of people's tables mean: names in six languages, and help with the others."""

import difflib
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from samehand.catalogue.walk import is_image_name
from samehand.errors import CatalogueError

SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "path": tuple(
        (
            "path,file,filename,file name,file path,filepath,image,image file,image filename,"
            "image file name,image path,picture,picture file,photo,photo file,scan,scan file,"
            # German, French, Italian, Dutch, Spanish, as in every entry.
            "datei,dateiname,dateipfad,pfad,bild,bilddatei,bildpfad,foto,"
            "fichier,nom de fichier,nom du fichier,chemin,fichier image,"
            "nome file,nome del file,immagine,file immagine,percorso,"
            "bestand,bestandsnaam,afbeelding,pad,"
            "archivo,fichero,nombre de archivo,nombre del archivo,imagen,ruta"
        ).split(",")
    ),
    "artist": tuple(
        (
            "artist,artist name,artists,painter,maker,creator,author,"
            "künstler,kuenstler,künstlerin,künstlername,maler,malerin,urheber,"
            "artiste,peintre,auteur,créateur,"
            "artista,pittore,autore,"
            "kunstenaar,schilder,vervaardiger,"
            "pintor,autor"
        ).split(",")
    ),
    "artist_id": tuple(
        (
            "artist id,artist ulan url,artist ulan,ulan,ulan id,ulan url,artist wikidata url,"
            "artist wikidata,wikidata,wikidata id,wikidata url,creator id,künstler id"
        ).split(",")
    ),
    "qualifier": tuple(
        (
            "qualifier,creator qualifier,artist qualifier,artist prefix,attribution qualifier,"
            "zuschreibungsgrad,qualificatif,qualificazione,kwalificatie,calificador"
        ).split(",")
    ),
    "title": tuple(
        (
            "title,title of work,object title,work title,titel,werktitel,bildtitel,titre,"
            "titre de l oeuvre,titolo,título,titulo"
        ).split(",")
    ),
    "date": tuple(
        (
            "date,dated,object date,year,datum,datierung,jahr,entstehungsjahr,entstehungszeit,"
            "année,datation,data,datazione,anno,datering,jaar,fecha,año,datación"
        ).split(",")
    ),
    "date_from": tuple(
        (
            "date from,date start,start date,begin date,object begin date,earliest date,"
            "creation date earliest,begin year,beginyear,year from,earliest year,datierung von,"
            "jahr von,date début,année début,data inizio,datering van,jaar van,fecha inicio,"
            "año desde"
        ).split(",")
    ),
    "date_to": tuple(
        (
            "date to,date end,end date,object end date,latest date,creation date latest,end year,"
            "endyear,year to,latest year,datierung bis,jahr bis,date fin,année fin,data fine,"
            "datering tot,jaar tot,fecha fin,año hasta"
        ).split(",")
    ),
    "accession_number": tuple(
        (
            "accession number,accession,accession no,accessionnum,inventory number,inventory no,"
            "inv no,object number,object no,inventarnummer,inventar nr,inv nr,"
            "numéro d inventaire,n inventaire,numero di inventario,inventarisnummer,objectnummer,"
            "número de inventario"
        ).split(",")
    ),
    "style": tuple(
        "style,movement,stil,stilrichtung,mouvement,stile,stijl,stroming,estilo".split(",")
    ),
    "genre": tuple("genre,gattung,bildgattung,genere,género".split(",")),
    "source": tuple(
        (
            "source,collection,museum,institution,repository,quelle,sammlung,musée,"
            "institution de conservation,fonte,collezione,museo,bron,collectie,fuente,colección"
        ).split(",")
    ),
    "split": ("split",),
    "left": tuple(
        "left,left image,image1,image 1,links,linkes bild,gauche,sinistra,izquierda".split(",")
    ),
    "right": tuple(
        "right,right image,image2,image 2,rechts,rechtes bild,droite,destra,derecha".split(",")
    ),
}
"""What a column is for, and the names that it goes by, the first found being taken.

They are compared as `fold_heading` writes them.
"""


def fold_heading(name: str) -> str:
    """Return a heading in lower case, without punctuation and surplus blanks."""
    plain = unicodedata.normalize("NFC", name).casefold()
    return " ".join(re.sub(r"[\W_]+", " ", plain).split())


_MEANINGS = {name: meaning for meaning, names in SYNONYMS.items() for name in names}


def meaning_of(heading: str) -> str | None:
    """Return what a column of this name is for, a key of `SYNONYMS`, or None."""
    return _MEANINGS.get(fold_heading(heading))


def parse_columns(pairs: Iterable[str]) -> dict[str, str]:
    """Return the mapping that `--column path="Image file"` options spell.

    Raises:
        CatalogueError: One is not of this form, or its left side is none of `SYNONYMS`.
    """
    columns: dict[str, str] = {}
    for pair in pairs:
        meaning, equals, name = pair.partition("=")
        if not equals or not name.strip():
            raise CatalogueError(
                f"--column {pair} should say which column is which, as path='Image file'"
            )
        _known_meaning(meaning.strip())
        columns[meaning.strip()] = name.strip()
    return columns


def read_headings(header: Sequence[str], columns: Mapping[str, str], name: str) -> dict[str, int]:
    """Return which column holds what.

    Args:
        header: The table's headings, as written.
        columns: Headings that the user names, by meaning; they go before any synonym.
        name: What to call the table in a message.

    Raises:
        CatalogueError: Two columns have one heading, or a named one is missing.
    """
    places: dict[str, int] = {}
    for place, heading in enumerate(header):
        folded = fold_heading(heading)
        if folded and folded in places:
            raise CatalogueError(f"{name} has two columns called {heading.strip()}; rename one")
        places.setdefault(folded, place)
    found: dict[str, int] = {}
    for meaning, wanted in columns.items():
        _known_meaning(meaning)
        exact = (i for i, heading in enumerate(header) if heading.strip() == wanted)
        named = next(exact, places.get(fold_heading(wanted)))
        if named is None:
            close = _closest(wanted, header)
            hint = f"; did you mean {close!r}?" if close else f"; it has {shown(header)}"
            raise CatalogueError(f"{name} has no column {wanted!r}{hint}")
        found[meaning] = named
    for meaning, names in SYNONYMS.items():
        # A column that the user gave another meaning has that one alone.
        free = (places.get(fold_heading(each)) for each in names)
        first = next((i for i in free if i is not None and i not in found.values()), None)
        if first is not None:
            found.setdefault(meaning, first)
    return found


def missing_column(
    meaning: str, header: Sequence[str], sample: Iterable[Sequence[str]], name: str
) -> CatalogueError:
    """Return the sentence about a column that a table lacks, with the likeliest one it has.

    Args:
        meaning: A key of `SYNONYMS`.
        header: The table's headings.
        sample: Some of its rows, in which columns of image names are looked for.
        name: What to call the table.
    """
    likely = None
    if meaning in ("path", "left", "right"):
        rows = [row for row in sample if any(row)]
        likely = next(
            (
                heading.strip()
                for place, heading in enumerate(header)
                if heading.strip()
                and any(is_image_name(row[place].strip()) for row in rows if place < len(row))
            ),
            None,
        )
    if any(is_image_name(heading.strip()) for heading in header):
        # Read as a heading, the first picture would be left out without a word.
        return CatalogueError(
            f"{name} has no row of column names: its first row is {shown(header)}; put one above "
            f"it, such as {meaning},artist"
        )
    likely = likely or _closest(meaning, header)
    names = " or ".join(f"'{each}'" for each in SYNONYMS[meaning][1:3])
    column = f"'{meaning}'" + (f" (or {names})" if names and meaning == "path" else "")
    hint = (
        f"; did you mean {likely!r}? then pass --column {meaning}={likely!r}"
        if likely
        else f"; rename one, or name it with --column {meaning}=..."
    )
    return CatalogueError(f"{name} needs a column {column}; it has {shown(header)}{hint}")


def shown(header: Sequence[str]) -> str:
    """Return a table's headings as a message lists them."""
    names = [heading.strip() for heading in header if heading.strip()]
    some = ", ".join(names[:12])
    return f"{some} and {len(names) - 12} more" if len(names) > 12 else some or "none"


def _known_meaning(meaning: str) -> None:
    if meaning not in SYNONYMS:
        close = difflib.get_close_matches(meaning, SYNONYMS, 1)
        hint = f"did you mean {close[0]}?" if close else f"choose one of {', '.join(SYNONYMS)}"
        raise CatalogueError(f"--column does not know {meaning!r}; {hint}")


def _closest(wanted: str, header: Sequence[str]) -> str | None:
    by_fold = {fold_heading(heading): heading.strip() for heading in header if heading.strip()}
    names = [fold_heading(wanted), *map(fold_heading, SYNONYMS.get(wanted, ()))]
    scored = [
        (difflib.SequenceMatcher(None, name, folded).ratio(), heading)
        for name in names
        for folded, heading in by_fold.items()
    ]
    best = max(scored, default=(0.0, ""))
    return best[1] if best[0] >= 0.7 else None
