import csv
import datetime
import io
import zipfile
from xml.sax.saxutils import escape

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samehand.catalogue.table import open_table
from samehand.errors import CatalogueError


def column(number):
    """A, B, ... Z, AA, AB, ..."""
    name = ""
    while number >= 0:
        name, number = chr(65 + number % 26) + name, number // 26 - 1
    return name


def write_xlsx(path, sheets, hidden=()):
    """A spreadsheet with inline strings, made from the format's description alone."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
        '<Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/vnd.openxmlformats-officedocument.'
        'spreadsheetml.sheet.main+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" '
        f'Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    }
    listed = linked = ""
    for i, (name, rows) in enumerate(sheets.items(), 1):
        state = ' state="hidden"' if name in hidden else ""
        listed += f'<sheet name="{escape(name)}" sheetId="{i}" r:id="s{i}"{state}/>'
        linked += (
            f'<Relationship Id="s{i}" Type="{office}/worksheet" Target="worksheets/sheet{i}.xml"/>'
        )
        body = ""
        for number, values in rows.items():
            cells = ""
            for at, value in enumerate(values):
                where = f'r="{column(at)}{number}"'
                if isinstance(value, str):
                    cells += f'<c {where} t="inlineStr"><is><t>{escape(value)}</t></is></c>'
                elif value is not None:
                    cells += f"<c {where}><v>{value}</v></c>"
            body += f'<row r="{number}">{cells}</row>'
        parts[f"xl/worksheets/sheet{i}.xml"] = (
            f'<worksheet xmlns="{main}"><sheetData>{body}</sheetData></worksheet>'
        )
    parts["xl/workbook.xml"] = (
        f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>{listed}</sheets></workbook>'
    )
    parts["xl/_rels/workbook.xml.rels"] = (
        f'<Relationships xmlns="{package}/relationships">{linked}</Relationships>'
    )
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return path


@pytest.fixture
def table(tmp_path):
    def make(text, name="works.csv", encoding="utf-8"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
        return open_table(path)

    return make


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1"]
)
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_every_separator_encoding_and_newline(table, separator, encoding, newline):
    lines = ["Datei|Künstler|Titel", "a.jpg|Bäumer|Über allem", "", "b.jpg|Ann|x, y; z"]
    rows = newline.join(line.replace("|", separator) for line in lines[:3])
    quoted = f'b.jpg{separator}Ann{separator}"x, y; z"'
    found = table(rows + newline + quoted, encoding=encoding)
    assert found.header == ["Datei", "Künstler", "Titel"]
    assert list(found.rows()) == [
        (2, ["a.jpg", "Bäumer", "Über allem"]),
        (4, ["b.jpg", "Ann", "x, y; z"]),
    ]
    assert list(found.rows()) == list(found.rows())
    assert bool(found.notes) == (encoding == "latin-1")
    if found.notes:
        assert "works.csv is not UTF-8 and was read as Windows-1252" in found.notes[0]


def test_inch_marks_are_letters_and_quotes_are_quotes(table):
    found = table(
        'path,title\na.jpg,Panel 12" high\nb.jpg,"Panel 5"" high, left"\nc.jpg, "x, y"\nd.jpg,\n'
    )
    assert [values for _, values in found.rows()] == [
        ["a.jpg", 'Panel 12" high'],
        ["b.jpg", 'Panel 5" high, left'],
        ["c.jpg", "x, y"],
        ["d.jpg", ""],
    ]
    plain = table('path\ttitle\na.jpg\t"Untitled" (study)\nb.jpg\tSpring\n', "works.tsv")
    assert [values[1] for _, values in plain.rows()] == ['"Untitled" (study)', "Spring"]
    assert "quotation marks are read as part of the text" in plain.notes[0]
    mixed = table('path,title\n"a.jpg","Panel 12" high"\nb.jpg,"Dawn" and "Dusk"\n')
    assert [values for _, values in mixed.rows()] == [
        ["a.jpg", 'Panel 12" high'],
        ["b.jpg", '"Dawn" and "Dusk"'],
    ]
    with pytest.raises(CatalogueError, match=r"works.csv, row 3, as CSV: .*twice"):
        table('path,title\na.jpg,x\nb.jpg,"Spring, 1\nc.jpg,y\n')


def test_line_separators_in_a_title_do_not_end_a_row(table):
    title = "Haystacks\u2028end of\x85day\x1c\u2029"
    found = table(f'path,title\na.jpg,"{title}"\nb.jpg,{title}\n')
    assert [values for _, values in found.rows()] == [["a.jpg", title], ["b.jpg", title]]


def test_titles_above_the_headings_and_the_separator_line_of_excel(table):
    found = table("sep=;\nList of works;;\n;;\npath;artist;\na.jpg;Ann;\n")
    assert (found.header, found.header_row) == (["path", "artist", ""], 3)
    assert list(found.rows()) == [(4, ["a.jpg", "Ann", ""])]


def test_one_column_needs_no_separator(table):
    found = table("Image file\na, b.jpg\nc; d.jpg\n")
    assert [values for _, values in found.rows()] == [["a, b.jpg"], ["c; d.jpg"]]


def test_short_rows_are_filled_and_long_ones_named(table):
    found = table("path,artist,title\na.jpg,Ann\nb.jpg,Bo,x,,\n")
    assert [values for _, values in found.rows()] == [["a.jpg", "Ann", ""], ["b.jpg", "Bo", "x"]]
    long = table("path,artist\na.jpg,Ann\nb.jpg,Bo,Spring, summer\n")
    with pytest.raises(CatalogueError, match="works.csv, row 3: 4 values under 2 columns"):
        list(long.rows())


def test_bytes_that_are_no_text_can_be_written_again(tmp_path):
    for data in (b"left,right\ncaf\xe9.png,\x81\n", b"left,right\n\xc3\xa9\xc3\xa8,caf\xe9\n"):
        (tmp_path / "t.csv").write_bytes(data)
        found = open_table(tmp_path / "t.csv")
        rows = "".join(",".join(values) + "\n" for _, values in found.rows())
        assert rows.encode(found.encoding, "surrogateescape") == data.split(b"\n", 1)[1]
        assert len(found.notes) == 1


def test_a_spreadsheet_is_read_by_its_first_visible_sheet_that_holds_anything(tmp_path):
    rows = {
        1: ["Our works, 2026"],
        3: ["Image file", "Artist", "Year", "Height"],
        4: ["a.jpg", "Ann", 1889, 12.5],
        6: ["b.jpg", 'Bo "12"', None, 1e20],
    }
    sheets = {"secret": {1: ["path"], 2: ["x"]}, "empty": {}, "works": rows, "more": rows}
    path = write_xlsx(tmp_path / "t.XLSX", sheets, hidden=("secret",))
    found = open_table(path)
    assert found.header == ["Image file", "Artist", "Year", "Height"]
    assert list(found.rows()) == [
        (4, ["a.jpg", "Ann", "1889", "12.5"]),
        (6, ["b.jpg", 'Bo "12"', "", "1e+20"]),
    ]
    assert 'read the sheet "works"' in found.notes[0]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("separator", [",", "\t"])
def test_a_text_table_that_is_named_as_a_spreadsheet_is_read(tmp_path, encoding, separator):
    path = tmp_path / "export.xls"
    rows = ["path", "artist"], ["a.jpg", "\u00c9douard Manet"]
    path.write_bytes("\n".join(separator.join(row) for row in rows).encode(encoding))
    table = open_table(path)
    assert table.header == rows[0]
    assert [list(row) for _, row in table.rows()] == [rows[1]]


def test_a_page_that_is_named_as_a_spreadsheet_is_called_so(tmp_path):
    path = tmp_path / "export.xls"
    path.write_text("<html><table><tr><td>path</td></tr></table></html>")
    with pytest.raises(CatalogueError, match="is an HTML or XML page that is named as"):
        open_table(path)


def test_an_open_document_is_read(tmp_path):
    office = "urn:oasis:names:tc:opendocument:xmlns:office:1.0"
    cells = {"path": "string", "Jahr": "string"}
    header = "".join(
        f'<table:table-cell office:value-type="{kind}"><text:p>{text}</text:p></table:table-cell>'
        for text, kind in cells.items()
    )
    row = (
        '<table:table-cell office:value-type="string"><text:p>a.jpg</text:p></table:table-cell>'
        '<table:table-cell office:value-type="float" office:value="1889"/>'
    )
    with zipfile.ZipFile(tmp_path / "t.ods", "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        manifest = office.replace("office:1", "manifest:1")
        archive.writestr("META-INF/manifest.xml", f'<m:manifest xmlns:m="{manifest}"/>')
        archive.writestr(
            "content.xml",
            f'<office:document-content xmlns:office="{office}" '
            f'xmlns:table="{office.replace("office:1", "table:1")}" '
            f'xmlns:text="{office.replace("office:1", "text:1")}"><office:body>'
            "<office:spreadsheet>"
            f'<table:table table:name="s"><table:table-row>{header}</table:table-row>'
            f"<table:table-row>{row}</table:table-row></table:table>"
            "</office:spreadsheet></office:body></office:document-content>",
        )
    found = open_table(tmp_path / "t.ods")
    assert found.header == ["path", "Jahr"]
    assert list(found.rows()) == [(2, ["a.jpg", "1889"])]


def test_a_spreadsheet_that_would_fill_the_memory_is_refused(tmp_path):
    far = write_xlsx(tmp_path / "far.xlsx", {"s": {1: ["path"], 1048576: [None] * 16383 + ["x"]}})
    with pytest.raises(CatalogueError, match="too large a spreadsheet"):
        open_table(far)
    bomb = tmp_path / "bomb.xlsx"
    data = bytearray(write_xlsx(bomb, {"s": {1: ["path"]}}).read_bytes())
    # The size that the directory of the zip claims for its first member.
    at = data.index(b"PK\1\2") + 24
    data[at : at + 4] = (2**31).to_bytes(4, "little")
    bomb.write_bytes(data)
    with pytest.raises(CatalogueError, match="too large a spreadsheet"):
        open_table(bomb)


def test_parquet_and_json_say_the_same_as_csv(tmp_path):
    values = {"path": ["a.jpg", "b.jpg"], "artist": ["Ann", None], "year": [1889.0, 1.5]}
    day = datetime.datetime(1889, 5, 1)
    frame = pl.DataFrame(values | {"seen": [True, None], "day": [day, None], "list": [[1], [2]]})
    frame.write_parquet(tmp_path / "t.parquet")
    expected = [(2, ["a.jpg", "Ann", "1889", "true", "1889-05-01"])]
    expected += [(3, ["b.jpg", "", "1.5", "", ""])]
    found = open_table(tmp_path / "t.parquet")
    assert found.header == ["path", "artist", "year", "seen", "day"]
    assert list(found.rows()) == expected
    rows = [
        '{"path": "a.jpg", "artist": "Ann\u2028", "year": 1889.0, "list": [1]}',
        '{"path": "b.jpg", "year": 1.5}',
    ]
    (tmp_path / "t.jsonl").write_text("\n".join(rows), encoding="utf-8")
    (tmp_path / "t.json").write_text("[" + ",".join(rows) + "]", encoding="utf-8")
    for name in ("t.jsonl", "t.json"):
        found = open_table(tmp_path / name)
        assert found.header == ["path", "artist", "year"]
        assert [values for _, values in found.rows()] == [
            ["a.jpg", "Ann\u2028", "1889"],
            ["b.jpg", "", "1.5"],
        ]


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("t.csv", b"", "is empty"),
        ("t.csv", b"\n \n,,\n", "is empty"),
        ("t.csv", bytes(range(256)) * 20, "is not a table but binary data|as CSV"),
        ("t.csv", b"path\n" + b"x" * 200_000 + b"\n", "row 2, as CSV: field larger"),
        ("t.csv", "path,artist\na.jpg,Ann\n".encode("utf-16")[:-1], "damaged: it begins as UTF-16"),
        ("t.csv", "path\n".encode("utf-32") + b"\xff" * 4, "damaged: it begins as UTF-32"),
        ("t.xlsx", b"path,artist\n", "as a spreadsheet"),
        ("t.xlsx", b"PK\3\4 torn", "as a spreadsheet"),
        ("t.parquet", b"path,artist\n", "as Parquet"),
        ("t.json", b"[1, 2", "as JSON"),
        ("t.jsonl", b'{"path": "a"}\n3\n', "item 2: not an object"),
        ("t.jsonl", b"[]", "is empty"),
        ("t.jsonl", b"caf\xe9", "as JSON"),
    ],
)
def test_what_is_not_a_table_is_named(tmp_path, name, data, message):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(CatalogueError, match=message) as caught:
        list(open_table(tmp_path / name).rows())
    assert str(tmp_path / name) in str(caught.value)
    assert "\n" not in str(caught.value)


letters = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)


@given(
    st.lists(st.lists(letters, min_size=3, max_size=3), min_size=1, max_size=5),
    st.sampled_from([",", ";", "\t"]),
)
def test_what_a_csv_writer_writes_is_read(tmp_path_factory, rows, separator):
    path = tmp_path_factory.mktemp("t") / "t.csv"
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=separator, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerows([["path", "artist", "title"], *rows])
    path.write_text(text.getvalue(), encoding="utf-8", newline="")
    found = [values for _, values in open_table(path).rows()]
    assert found == [row for row in rows if any(value.strip() for value in row)]
