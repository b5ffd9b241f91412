"""Attributions as catalogues write them: "after Rembrandt", "Werkstatt des Lucas Cranach".

Read in English, German, French, Italian, Dutch and Spanish. What each phrase is taken for follows
the "creator qualifiers" of the Getty's Categories for the Description of Works of Art, with one
qualifier for each of its neighbouring ones: pupils and schools are followers, imitators and styles
are manners, and a work by a master and his workshop is the workshop's.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import get_args

from samehand.catalogue.clean import NO_ARTIST, NOBODY, clean_text, judge_attribution
from samehand.records import Qualifier


@dataclass(frozen=True, slots=True)
class Attribution:
    """Whom a catalogue names for a work, and how surely.

    Attributes:
        artist: The artist's name as written, or None where nobody is named.
        qualifier: None for an autograph work, and where nobody is named.
        unread: A qualifier in words that are not understood, or None.
    """

    artist: str | None
    qualifier: Qualifier | None = None
    unread: str | None = None

    @property
    def is_autograph(self) -> bool:
        """Whether an artist is named, and nothing says that another hand made the work."""
        return self.artist is not None and self.qualifier is None and self.unread is None


_OF = r"(?:of\ the(?=\ master)|of|des|der|von|vom|van|du|del|della|dello|dell'|degli|de|di|d')"

_GROUPS: dict[Qualifier, str] = {
    "workshop of": r"workshops?|studio|atelier|assistants?|werkstatt|mitarbeiter|werkplaats|"
    r"bottega|aiuti|taller|obrador",
    "circle of": r"circle|(?:um)?kreis|cercle|entourage|cerchia|ambito|omgeving|kring|círculo|"
    r"circulo|entorno",
    "follower of": r"followers?|schools?|pupils?|students?|nachfolger(?:in)?|schule|schüler(?:in)?|"
    r"suiveur|disciple|[ée]cole|[ée]lève|seguace|scuola|allievo|navolger|leerling|seguidor|escuela|"
    r"disc[ií]pulo",
    "manner of": r"manner|style|imitators?|nachahmer|stil|mani[èe]re|go[ûu]t|genre|imitateur|"
    r"maniera|stile|imitatore|manier|trant|stijl|navolging|manera|estilo|imitador",
}
"""Nouns that stand before "of" and a name, after a name in brackets, and after "and"."""

_PHRASES: dict[Qualifier, str] = {
    "attributed to": r"(?:attributed|attrib\.|attr\.|ascribed|given)(?:\ to)?"
    r"|attribuée?\ autrefois\ à|zugeschrieben(?:\ an)?"
    r"|attribuée?(?:\ à)?|attribuit[oa](?:\ a)?|toegeschreven(?:\ aan)?|atribuid[oa](?:\ a)?"
    r"|(?:possibly|probably|perhaps|presumably)(?:\ by)?|vermutlich|wohl|vielleicht|wahrscheinlich"
    r"|peut-être|probablement|forse|probabilmente|mogelijk|waarschijnlijk|posiblemente"
    r"|probablemente|\?",
    "forgery of": r"(?:forgery|forger|fake)(?:\ of|\ after)?|fälschung(?:\ nach|\ von|\ des)?|faux"
    r"|falso(?:\ di)?|vervalsing(?:\ van|\ naar)?|falsificación(?:\ de)?|falsificazione(?:\ di)?",
    "after": r"(?:copy|copies|copyist)\ (?:after|of)|copy|after|(?:kopie\ )?nach"
    r"(?:\ einem\ (?:vorbild|original|gemälde)\ (?:von|des))?|(?:copie\ )?d'\s?après|copie\ de"
    r"|copia\ (?:da|di|de|del|según|d'après)|(?:kopie\ )?naar|según|copie|kopie|copia",
}
"""Phrases that stand before a name as they are, or after it in brackets or behind a comma."""

_LEAD = (
    r"(?:(?:close|direct|early|late|formerly|eigen|enger?)\s)?"
    r"(?:(?:in\ the|in\ der|in\ de|in\ het|im|aus\ der|aus\ dem|à\ la|a\ la|al|alla|dans\ le|an?"
    r"|the|the|de|der|l')\s?)?"
)

_PLACES = (
    r"(?:fontainebleau|paris|siena|sienne|florence|firenze|venice|venise|venezia|ferrara|bologna"
    r"|cuzco|cusco|madrid|sevilla|seville|antwerp(?:en)?|anvers|avignon"
    r"|barbizon|prag(?:ue)?|the\ hague)"
)
_NATIONS = (
    r"(?:american|english|british|scottish|irish|dutch|flemish|netherlandish|german|austrian|swiss"
    r"|french|italian|spanish|catalan|portuguese|danish|swedish|russian|chinese|japanese|indian"
    r"|mexican|byzantine|venetian|florentine|sienese|lombard|umbrian|neapolitan|bolognese|roman"
    r"|deutsche?r?|niederländische?r?|flämische?r?|italienische?r?|französische?r?|spanische?r?"
    r"|österreichische?r?|schweizer|holländische?r?|süddeutsche?r?|norddeutsche?r?)"
)
_CENTURY = r"(?:century|jahrhundert|jh\.|siècle|secolo|eeuw|siglo)"
_NOBODY = re.compile(
    rf"""(?:an?\ )?(?:anonym\w*|anonim\w*|anónim\w*|anon\.|anoniem\w*|inconnue?|ignot[oi]
        |onbekend\w*|unbekannt\w*|ubekendt|desconocid[oa])(?:[\s,(].*)?
    | (?:auteur|artiste|peintre|autor|artista|pintor|pittore|autore
        |vervaardiger|maker|artist/maker|maler|künstler|kunstenaar|schilder|meester|maître|maestro
        )\ (?:inconnu|desconocido|ignoto|unbekannt|onbekend|anonyme?|anonimo|unknown)(?:[\s,(].*)?
    | \d{{1,2}}(?:st|nd|rd|th)[\ -]century\ .*
    | ambito\ (?!d[ie])\S+
    | (?:(?:north|south|central|upper|lower|northern|southern|early)[\s-])?{_NATIONS}
        (?:\ (?:painter|school|master|artist|maker|maler|meister|schule))?
        (?:[,\s]+.*(?:{_CENTURY}|\d{{3,4}}).*|\s?\(.*\))?
    | (?:school|[ée]cole|schule|scuola|escuela)\ (?:of|de|von|di)\ {_PLACES}
    """,
    re.IGNORECASE | re.VERBOSE,
)
_NATIONAL_SCHOOL = re.compile(
    r"(?:[ÉEée]cole|[Ss]cuola|[Ee]scuela) (?!d[eiu]|del)[a-zà-ÿ]+(?:[\s,].*)?"
)
"""Romance languages write adjectives small: "École française", but "École Fontaine"."""

_AUTOGRAPH = re.compile(
    r"""by|(?:painted|made)\ by|autograph|artist|primary|signed(?:\ and\ dated)?|artist/maker
    |painter|eigenhändig|signiert|von|autographe|signée?|autografo|firmato|eigenhandig|gesigneerd|autógrafo
    |firmado""",
    re.IGNORECASE | re.VERBOSE,
)
"""What a column of qualifiers says of a work by the artist's own hand, where it says anything."""

_LIFE = re.compile(
    r"\s*(?:\([^()]*\d{3}[^()]*\)|,\s*(?:[A-Z][\w-]+,?\s+)?(?:b\. |born )?\d{4}\b[^()]*"
    rf"|\((?i:{_NATIONS})\)|,\s*(?:c\.|ca\.|um|vers|\d{{1,2}}(?:st|nd|rd|th)\ century)[^()]*)\s*$"
)
_MODEL = re.compile(
    r"(?:(?:an?|the|einem|einer)\s)?(?:(?:lost|verlorene[mn]?)\s)?"
    r"(?:design|painting|print|drawing|original|gemälde|vorbild)\s(?:by|of|von|des)\s",
    re.IGNORECASE,
)
"""What a copy was made after: "after a design by Raphael"."""
_DOUBT = re.compile(r"^\?\s*(.+)$|^(.+?)\s*(?:\(\?\)|\[\?\]|\?)$")
_COMPOUND = re.compile(r"^(\S.*)-(Werkstatt|Umkreis|Kreis|Schule|Schüler|Nachfolger|Nachahmer)$")


@cache
def _patterns() -> list[tuple[Qualifier, re.Pattern[str]]]:
    """Return the patterns in the order in which they are tried; each has a group `name`."""
    flags = re.IGNORECASE | re.VERBOSE
    found: list[tuple[Qualifier, re.Pattern[str]]] = []
    names: list[Qualifier] = ["forgery of", "attributed to", "after"]
    for qualifier in names:
        phrase = _PHRASES[qualifier]
        found.append((qualifier, re.compile(rf"{_LEAD}(?:{phrase})\s+(?P<name>\S.*)", flags)))
        found.append((qualifier, re.compile(rf"(?P<name>.+?)\s*\((?:{phrase})\)", flags)))
        found.append((qualifier, re.compile(rf"(?P<name>.+?),\s*(?:{phrase})", flags)))
    found.append(("attributed to", re.compile(r"(?P<name>.+?)\s+zugeschrieben", flags)))
    found.append(
        ("manner of", re.compile(r"(?:in\ der\ )?art\ (?:des|der|von)\ (?P<name>.+)", flags))
    )
    for qualifier, nouns in _GROUPS.items():
        noun = rf"{_LEAD}(?:{nouns})"
        found.append((qualifier, re.compile(rf"{noun}\s+{_OF}(?:\s+|(?<='))(?P<name>\S.*)", flags)))
        found.append((qualifier, re.compile(rf"(?P<name>.+?)\s*\({noun}(?:\s+{_OF})?\)", flags)))
        found.append((qualifier, re.compile(rf"(?P<name>.+?),\s*{noun}(?:\s+{_OF})?", flags)))
        joined = (
            r"(?:and|&|with|und|et|avec|e|con|y|en|met)\s+(?:his\s|her\s|seine?\s|son\s|zijn\s)?"
        )
        found.append((qualifier, re.compile(rf"(?P<name>.+?)\s+{joined}(?:{nouns})", flags)))
    return found


def parse_attribution(text: str | None) -> Attribution:
    """Read whom a catalogue's wording names, and with which qualifier.

    Args:
        text: The artist as catalogued, in any of six languages; dates of life and nationality
            behind the name are dropped.

    Returns:
        The name as written. "Anonymous", "Unknown" and schools of a country name nobody; masters
        known by a work ("Master of Frankfurt") are artists. Two doubts at once keep the outer one:
        "attributed to the workshop of X" is the workshop's, since that is the claim about X.
    """
    tidy = clean_text(text)
    if tidy is None:
        return Attribution(None)
    tidy = unicodedata.normalize("NFC", tidy).replace("\u2019", "'")
    bare = _LIFE.sub("", tidy) or tidy
    if _names_nobody(tidy) or _names_nobody(bare):
        return Attribution(None)
    compound = _COMPOUND.match(bare)
    if compound:
        return _parse_compound(compound[1], compound[2])
    doubt = _DOUBT.match(bare)
    if doubt:
        inner = parse_attribution(doubt[1] or doubt[2])
        return Attribution(
            inner.artist, (inner.qualifier or "attributed to") if inner.artist else None
        )
    for qualifier, pattern in _patterns():
        match = pattern.fullmatch(bare)
        if match:
            inner = parse_attribution(_MODEL.sub("", match["name"].strip(" ,;"), count=1))
            if inner.artist is None:
                return Attribution(None)
            if qualifier == "attributed to" and inner.qualifier:
                return inner
            return Attribution(inner.artist, qualifier)
    return Attribution(bare.strip(" ,;"))


def _parse_compound(name: str, noun: str) -> Attribution:
    fits = [each for each, nouns in _GROUPS.items() if re.fullmatch(nouns, noun, re.IGNORECASE)]
    return Attribution(name, fits[0])


def parse_qualifier(text: str | None) -> tuple[Qualifier | None, str | None]:
    """Read a cell of a column of qualifiers: "Workshop of", "attribué à", "Kopie nach".

    Returns:
        The qualifier, None for an autograph work; and the text where it is not understood.
    """
    tidy = clean_text(text)
    if tidy is None or _AUTOGRAPH.fullmatch(tidy):
        return None, None
    for known in get_args(Qualifier):
        if tidy.casefold() == known:
            return known, None
    # A name stands where the artist's would, before or behind.
    for wording in (f"{tidy} Xyz", f"Xyz ({tidy})", f"Xyz, {tidy}"):
        read = parse_attribution(wording)
        if read.artist == "Xyz" and read.qualifier is not None:
            return read.qualifier, None
    return None, tidy


def state_attribution(label: str | None, qualifier: str | None = None) -> Attribution:
    """Return whom a catalogue's two columns name, the second being one of qualifiers.

    Args:
        label: The artist as catalogued, perhaps with a qualifier in the same words.
        qualifier: The cell of the other column; it goes before the words of the label.

    Returns:
        An artist whose label has no qualifier is called as written, dates of life included: "Jan
        Brueghel (1568-1625)" and "Jan Brueghel (1601-1678)" are two painters.
    """
    read = parse_attribution(label)
    if read.artist is None:
        return read
    said, unread = parse_qualifier(qualifier)
    if read.qualifier is None:
        name = clean_text(label)
        if said is None and unread is None and judge_attribution(label)[0] is None:
            unread = "uncertain"
        return Attribution(name, said, unread)
    return Attribution(read.artist, said or read.qualifier, unread)


def tidy_artist_id(text: str | None) -> str | None:
    """Return an artist's number with a name authority: "Q5598", "ulan:500011051".

    Args:
        text: The number, or its address at Wikidata or the Getty; others are kept as written.
    """
    tidy = clean_text(text)
    if tidy is None:
        return None
    wikidata = re.fullmatch(r"(?:wikidata:|https?://(?:www\.)?wikidata\.org/\S*/)?(Q\d+)", tidy)
    if wikidata:
        return wikidata[1]
    ulan = re.fullmatch(r"(?:ulan:\s?|https?://\S*/ulan/\S*?)?(500\d{6})", tidy, re.IGNORECASE)
    return f"ulan:{ulan[1]}" if ulan else tidy


def judge_artist(
    label: str | None, qualifier: str | None = None, *, any_attribution: bool = False
) -> tuple[Attribution, str | None]:
    """Return whom a label names and, where it may not be learnt from, why the work is excluded.

    Args:
        label: The artist as catalogued.
        qualifier: What a column of qualifiers says.
        any_attribution: Take works that are not autograph for the named artist's all the same.

    Returns:
        The attribution, and None or the reason.
    """
    name, exclusion = judge_attribution(label)
    read = state_attribution(label, qualifier)
    if read.artist is None:
        return read, exclusion or NO_ARTIST
    if name is None:
        name, exclusion = read.artist, None
    if not read.is_autograph and not any_attribution:
        said = [] if qualifier is None else [clean_text(qualifier)]
        words = " ".join(filter(None, [*said, clean_text(label)]))
        return read, f"uncertain attribution: {words}"
    return read, exclusion


def _names_nobody(text: str) -> bool:
    return bool(
        NOBODY.fullmatch(text) or _NOBODY.fullmatch(text) or _NATIONAL_SCHOOL.fullmatch(text)
    )
