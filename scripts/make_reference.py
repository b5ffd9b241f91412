"""Write the generated pages of docs/: python scripts/make_reference.py.

They are docs/http.md (calls and answers, from the OpenAPI description), docs/recipe-keys.md (from
the classes that read recipes), docs/adr/index.md (from the decisions themselves) and the tables
that another document includes between two comments:

    <!-- table: benchmark.md | (a) Unseen artists, all pairs | rows: frozen backbone | AUC, EER -->
    <!-- end of table -->

A decision without the line of its status and date is given one: accepted, today.
"""

import datetime
import inspect
import re
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from samehand.files import write_text
from samehand.training.keys import keys_of
from samehand.training.recipe import Recipe, SiameseRecipe

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
MADE = "by `python scripts/make_reference.py`; do not edit it."


def http_page() -> str:
    """Return every call of the API with its fields, and every answer with its fields."""
    from samehand.verification.verifier import SameHand
    from samehand.web.app import create_app

    described = create_app(SameHand()).openapi()
    parts = [
        "# HTTP reference\n",
        f"Made from the OpenAPI description {MADE}\n\n"
        "A running server gives that description at `/api/v1/openapi.json`, and lists its calls\n"
        "at `/api`. [In a browser](web.md) says how to start one. The answers are the same as the\n"
        "command line's `--json`.\n",
        "## Calls\n",
    ]
    schemas = described["components"]["schemas"]
    calls = [
        (f"{method.upper()} {path}", call)
        for path, each in described["paths"].items()
        for method, call in each.items()
    ]
    asked = [call["responses"] for title, call in calls if title.startswith("POST /api/")]
    common = [
        status
        for status in asked[0]
        if status != "200"
        and all(
            one.get(status, {}).get("description") == asked[0][status]["description"]
            for one in asked
        )
    ]
    parts.append("Every call below `/api` can also answer:\n")
    parts.append(_statuses({status: asked[0][status] for status in common}))
    parts += [_call(title, call, schemas, common) for title, call in calls]
    parts.append("## Answers\n")
    for name, schema in schemas.items():
        if schema.get("type") == "object" and not name.startswith(("Body_", "HTTPValid", "Valid")):
            parts.append(_schema(name, schema))
    return "\n".join(parts)


def _call(title: str, call: dict[str, Any], schemas: dict[str, Any], common: list[str]) -> str:
    text = call.get("description") or call.get("summary") or ""
    parts = [f"### {title}\n", f"{' '.join(text.split())}\n"]
    rows = [
        (one["name"], one["schema"], one.get("description", ""), one.get("required", False))
        for one in call.get("parameters", [])
    ]
    body = call.get("requestBody", {}).get("content", {}).get("multipart/form-data", {})
    if body:
        form = schemas[body["schema"]["$ref"].rsplit("/", 1)[1]]
        needed = form.get("required", [])
        rows += [
            (name, one, one.get("description", ""), name in needed)
            for name, one in form["properties"].items()
        ]
    if rows:
        parts.append("| field | type | default | |\n|---|---|---|---|")
        for name, schema, description, needed in rows:
            default = "required" if needed else _code(schema.get("default"))
            parts.append(f"| `{name}` | {_type(schema)} | {default} | {_cell(description)} |")
        parts.append("")
    here = "/api/" in title
    answers = call["responses"].items()
    parts.append(_statuses({name: one for name, one in answers if not here or name not in common}))
    return "\n".join(parts)


def _statuses(answers: dict[str, Any]) -> str:
    parts = ["| status | answer |\n|---|---|"]
    for status, answer in answers.items():
        content = next(iter(answer.get("content", {}).values()), {}).get("schema", {})
        kind = _type(content) if "$ref" in content else ""
        words = "" if status == "200" and kind else _cell(answer["description"])
        parts.append(f"| {status} | {words or kind} |")
    return "\n".join(parts) + "\n"


def _schema(name: str, schema: dict[str, Any]) -> str:
    text = " ".join(schema.get("description", "").split("\n\n")[0].split())
    parts = [f"### {name}\n", f"{text}\n" if text else ""]
    parts.append("| field | type | |\n|---|---|---|")
    for field, one in schema.get("properties", {}).items():
        parts.append(f"| `{field}` | {_type(one)} | {_cell(one.get('description', ''))} |")
    return "\n".join(parts) + "\n"


def _type(schema: dict[str, Any]) -> str:
    """Return a JSON Schema type in a few words; an answer's name is a link."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return f"[{name}](#{name.lower()})"
    if "enum" in schema:
        return " or ".join(_code(one) for one in schema["enum"])
    if "const" in schema:
        return _code(schema["const"])
    for key in ("anyOf", "oneOf", "allOf"):
        if key in schema:
            return " or ".join(dict.fromkeys(_type(one) for one in schema[key]))
    kind = schema.get("type", "anything")
    if kind == "array":
        inner = schema.get("items") or (schema.get("prefixItems") or [{}])[0]
        return f"list of {_type(inner)}"
    if schema.get("format") == "binary" or "contentMediaType" in schema:
        return "a file"
    if kind == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"object of {_type(schema['additionalProperties'])}"
    return str(kind)


def _code(value: object) -> str:
    return "" if value is None or value is MISSING else f"`{value}`"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def recipe_page() -> str:
    """Return every key of both kinds of recipe, with its type, its default and what it is."""
    parts = [
        "# Recipe keys\n",
        f"Made from the classes that read recipes {MADE}\n\n"
        "A recipe is a TOML file; the folder\n"
        "[recipes](https://github.com/samehand/samehand/tree/main/recipes) holds those that were\n"
        "run. Any key can be changed for one run: `samehand train RECIPE --set KEY=VALUE`.\n",
    ]
    for title, kind in (("Embeddings", Recipe), ("Pairs", SiameseRecipe)):
        anchor = '`kind = "metric"`, or no kind' if kind is Recipe else '`kind = "siamese"`'
        parts += [f"## {title}\n", f"{anchor}.\n"]
        parts.append("| key | type | default | |\n|---|---|---|---|")
        for name, section in keys_of(kind):
            leaf = name.rsplit(".", 1)[-1]
            words = _attributes(section).get(leaf, "")
            type_, default = _declared(section, leaf)
            table = name.rpartition(".")[0]
            held = kind.model_fields[table].default if table in kind.model_fields else None
            if isinstance(held, section):  # a kind of recipe has its own defaults for a table
                default = _shown(getattr(held, leaf))
            parts.append(f"| `{name}` | {_cell(type_)} | {_cell(default)} | {_cell(words)} |")
        parts.append("")
    return "\n".join(parts)


def _attributes(section: type) -> dict[str, str]:
    """Return what the docstring of a class says of its attributes."""
    text = inspect.getdoc(section) or ""
    _, _, listed = text.partition("Attributes:\n")
    found: dict[str, str] = {}
    names: list[str] = []
    for line in listed.splitlines():
        start = re.match(r" {4}(\w[\w, ]*): (.*)", line)
        if start:
            names = [name.strip() for name in start.group(1).split(",")]
            found |= dict.fromkeys(names, start.group(2))
        elif line.startswith(" " * 8):
            found |= {name: f"{found[name]} {line.strip()}" for name in names}
    return found


def _declared(section: type, name: str) -> tuple[str, str]:
    """Return the type of a key in words, and its default."""
    if is_dataclass(section):
        field = next(one for one in fields(section) if one.name == name)
        return _words_of(field.type), _shown(field.default)
    field = section.model_fields[name]
    default = "required" if field.is_required() else _shown(field.default)
    limits = ", ".join(
        f"{sign} {getattr(one, key)}"
        for one in field.metadata
        for key, sign in (("ge", ">="), ("gt", ">"), ("le", "<="), ("lt", "<"))
        if getattr(one, key, None) is not None
    )
    return f"{_words_of(field.annotation)}{f' ({limits})' if limits else ''}", default


def _words_of(annotation: Any) -> str:  # noqa: ANN401
    text = str(annotation) if not isinstance(annotation, type) else annotation.__name__
    text = re.sub(r"typing\.|samehand\.[\w.]+\.", "", text)
    text = re.sub(r"<class '(\w+)'>", r"\1", text)
    choices = re.fullmatch(r"Literal\[(.*)\]", text)
    if choices:
        return " or ".join(f"`{one.strip()}`" for one in choices.group(1).split(","))
    return text


def _shown(value: object) -> str:
    if value is None:
        return "none"
    if is_dataclass(value) or isinstance(value, BaseModel):
        return "see below"
    return "required" if value is MISSING else f"`{value}`"


_STATUS = re.compile(r"^\*(.+), (\d{4}-\d\d-\d\d)\*$", re.MULTILINE)


def date_decisions() -> None:
    """Give every decision that states neither status nor date a line: accepted, today."""
    for path in (DOCS / "adr").glob("0*.md"):
        text = path.read_text(encoding="utf-8")
        if not _STATUS.search(text):
            head, _, rest = text.partition("\n\n")
            today = datetime.datetime.now(datetime.UTC).date().isoformat()
            write_text(path, f"{head}\n\n*Accepted, {today}*\n\n{rest}")


def decisions_page() -> str:
    """Return the list of decisions with their status and date."""
    parts = [
        "# Decisions\n",
        "One page each: what was decided, what else was tried, and the figures.\n",
        f"Made {MADE}\n",
        "| no. | decision | status | since |\n|---|---|---|---|",
    ]
    for path in sorted((DOCS / "adr").glob("0*.md")):
        text = path.read_text(encoding="utf-8")
        title = re.match(r"# (\d+)\. (.*)", text)
        said = _STATUS.search(text)
        if title is None:
            raise SystemExit(f"{path} should begin with '# NUMBER. TITLE'")
        if said is None:
            raise SystemExit(f"{path} has no line *Accepted, YYYY-MM-DD*")
        status, since = said.groups()
        parts.append(f"| {title.group(1)} | [{title.group(2)}]({path.name}) | {status} | {since} |")
    return "\n".join(parts) + "\n"


_INCLUDED = re.compile(r"(<!-- table: (.*?) -->\n).*?(<!-- end of table -->)", re.DOTALL)


def with_tables(text: str) -> str:
    """Return a document with the tables it includes as they stand in their own document."""
    return _INCLUDED.sub(lambda found: f"{found[1]}{_table(found[2])}{found[3]}", text)


def _table(described: str) -> str:
    """Return rows, which may be given other names, and columns of tables.

    Args:
        described: "FILE | HEADING | rows: A; B = LABEL; OTHER HEADING > C | COLUMN, COLUMN"; a row
            may be taken from under another heading of the file.
    """
    file, heading, rows, columns = (part.strip() for part in described.split("|"))
    text = (DOCS / file).read_text(encoding="utf-8")
    chosen = [name.strip() for name in columns.split(",")]
    first, _ = _under(file, text, heading)
    shown = [[first, *chosen], ["---"] * (1 + len(chosen))]
    for one in rows.removeprefix("rows:").split(";"):
        wanted, _, label = (part.strip() for part in one.partition(" = "))
        place, _, name = wanted.rpartition(" > ")
        _, cells = _under(file, text, place or heading)
        shown.append([label or name, *(cells[name][column] for column in chosen)])
    return "".join(f"| {' | '.join(row)} |\n" for row in shown)


def _under(file: str, text: str, heading: str) -> tuple[str, dict[str, dict[str, str]]]:
    """Return what the first column of a heading's table is called, and its cells by row."""
    _, found, after = text.partition(f" {heading}\n")
    lines = [line for line in after.split("\n#")[0].splitlines() if line.startswith("|")]
    if not found or len(lines) < 3:
        raise SystemExit(f"{file} has no table under {heading!r}")
    header, _, *cells = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    return header[0], {
        row[0].strip("*"): dict(zip(header[1:], row[1:], strict=True)) for row in cells
    }


def generated() -> dict[Path, str]:
    """Return every page that is made from something else, with its text."""
    pages = {
        DOCS / "http.md": http_page(),
        DOCS / "recipe-keys.md": recipe_page(),
        DOCS / "adr" / "index.md": decisions_page(),
    }
    for path in [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]:
        text = path.read_text(encoding="utf-8")
        if path not in pages and _INCLUDED.search(text):
            pages[path] = with_tables(text)
    return pages


if __name__ == "__main__":
    date_decisions()
    for target, text in generated().items():
        write_text(target, text)
        print(f"wrote {target.relative_to(ROOT)}")
