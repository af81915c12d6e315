"""Spreadsheets of the book: what people's programs make of a CSV, byte by byte, and what comes of it."""

from __future__ import annotations

import codecs
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.book.book import Book
from collector.book.bounds import is_plain
from collector.book.columns import Table, header_rows, rows_of
from collector.book.entries import BuildingPost, CellPost, Contacts, Section, put
from collector.book.importing import Preview, preview
from collector.book.sheet import BYTES_MAX, ROWS_MAX, NotASheet, guarded, read_sheet, unguarded, write_sheet
from config.people import Person, Skill, Team
from config.site import SiteFile
from tests.sites import site_data

GBK_HEADER = bytes.fromhex("b1e0bac52cd0d5c3fb2cc7feb5c0312cb5d8d6b731")  # 编号,姓名,渠道1,地址1
GBK_ROW = b"p-9," + bytes.fromhex("c0eec3b7") + b",phone,138"  # 李梅


def book(**more: Any) -> Book:
    return Book(SiteFile.model_validate(site_data() | more), {})


def people(text: str, **kwargs: Any) -> Preview:
    return preview(book(), Table.PEOPLE, text.encode(), **kwargs)


def faults(found: Preview) -> list[tuple[int, str]]:
    return [(fault.line, fault.column) for fault in found.faults]


# --- bytes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (GBK_HEADER + b"\r\n" + GBK_ROW + b"\r\n", "gb18030"),
        (GBK_HEADER.replace(b",", b";") + b"\n" + GBK_ROW.replace(b",", b";"), "gb18030"),
        (GBK_HEADER.replace(b",", b"\t") + b"\r" + GBK_ROW.replace(b",", b"\t") + b"\r", "gb18030"),
        ("编号,姓名,渠道1,地址1\np-9,李梅,phone,138\n".encode(), "utf-8"),
        (codecs.BOM_UTF8 + "编号,姓名,渠道1,地址1\np-9,李梅,phone,138\n".encode(), "utf-8-sig"),
        ("编号\t姓名\t渠道1\t地址1\np-9\t李梅\tphone\t138\n".encode("utf-16"), "utf-16"),
        ("sep=;\r\n编号;姓名;渠道1;地址1\r\np-9;李梅;phone;138\r\n".encode(), "utf-8"),
        ('"编号","姓名","渠道1","地址1"\n\n,,,\n"p-9","李梅","phone","138"\n,,,\n'.encode(), "utf-8"),
        ("编号,姓名,渠道1,地址1,\np-9, 李梅\u3000,phone,138,\n".encode(), "utf-8"),
    ],
)
def test_whatever_a_spreadsheet_saved_it_as_the_same_person_comes_of_it(content: bytes, encoding: str) -> None:
    found = preview(book(), Table.PEOPLE, content)

    assert not found.faults
    assert found.encoding == encoding
    (change,) = found.changes
    assert isinstance(change.value, Person)
    assert (change.name, change.value.name, change.value.channels[0].to) == ("p-9", "李梅", "138")
    assert found.new == ("p-9",)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n\n ,,\n",
        b"PK\x03\x04\x00\x00\x00\x00",  # a workbook, not CSV
        b"id,name\n\xff\xff\xff",
        b'id,name\n"open,1',
        b"id,name\n" + b"a,b\n" * (ROWS_MAX + 1),
        b"x" * (BYTES_MAX + 1),
        b"a" * 200_000,  # one cell larger than any
        codecs.BOM_UTF16_LE + b"\x00",
    ],
)
def test_what_is_no_table_is_told_in_one_sentence(content: bytes) -> None:
    with pytest.raises(NotASheet, match="expected"):
        read_sheet(content)


def test_lines_are_counted_as_an_editor_shows_them() -> None:
    sheet = read_sheet(b'sep=,\r\nid,name\r\na,"two\r\nlines"\r\n\r\nb,c\r\n')

    assert [row.line for row in sheet.rows] == [3, 6]


@given(st.text(max_size=20))
def test_no_cell_is_a_formula_and_none_is_lost(cell: str) -> None:
    assert not guarded(cell).startswith(tuple("=+-@\t\r＝＋－＠"))
    assert unguarded(guarded(cell)) == cell


def test_an_export_opens_in_a_spreadsheet_as_what_it_is() -> None:
    content = write_sheet([["id", "name"], ["a", '=HYPERLINK("x")'], ["b", "+86 138, ext 1"]])

    assert content == codecs.BOM_UTF8 + b'id,name\r\na,"\'=HYPERLINK(""x"")"\r\nb,"\'+86 138, ext 1"\r\n'


# --- people ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("id,nam,channel_1\na,b,phone\n", [(1, "nam"), (1, "name")]),
        ("id,name,姓名\na,b,c\n", [(1, "姓名")]),
        ("name,channel_1,address_1\nLi,phone,1.38E+10\n", [(2, "address_1")]),
        ("name,channel_1,address_1\nLi,pigeon,1\n", [(2, "channel_1")]),
        ("name,channel_1,address_1\nLi,,138\n", [(2, "channel_1"), (2, "channel_1")]),
        ("id,name,channel_1\nx,Li,phone\nx,Li,phone\n", [(3, "id")]),
        ("id,name,channel_1\nx,,phone\n", [(2, "name")]),
        ("id,name,channel_1\na/b,Li,phone\n", [(2, "id")]),
        ("name,channel_1,skills\nLi,phone,juggling\n", [(2, "skills")]),
        ("name,channel_1,language\nLi,phone,fr\n", [(2, "language")]),
        ("name,channel_1,home\nLi,phone,b-9\n", [(2, "home")]),
        ("name,channel_1\nLi,phone,stray\n", [(2, "3")]),
        ("id,name,channel_1\nNED,Li,phone\n", [(2, "person/NED: id")]),
        (f"name,channel_1\n{'n' * 200},phone\n", [(2, "person/p-1: name")]),
        ("name,channel_1\nA\u202eB,phone\n", [(2, "person/p-1: name")]),
        ('name,channel_1,address_1\nLi,phone,"1\nBcc: x"\n', [(2, "person/p-1: channels[0].to")]),
    ],
)
def test_every_mistake_has_its_line_and_column_and_nothing_is_imported(text: str, found: list[tuple[int, str]]) -> None:
    seen = people(text)

    assert faults(seen) == sorted(set(found))
    assert not seen.changes


def test_of_a_row_only_the_columns_of_the_file_change() -> None:
    found = people("id,name,skills\nnick,Nick N.,消火栓；急救\n")

    (change,) = found.changes
    assert isinstance(change.value, Person)
    assert change.value.skills == (Skill.HYDRANT, Skill.FIRST_AID)
    assert [address.channel for address in change.value.channels] == ["phone", "mail"]
    assert (found.changed, found.new) == (("nick",), ())


def test_a_row_without_an_id_is_whoever_is_named_so_or_somebody_new() -> None:
    found = people("name,channel_1\nNed,phone\nNewman,phone\nAnother,phone\n")

    assert [change.name for change in found.changes] == ["ned", "p-1", "p-2"]
    assert (found.changed, found.new) == (("ned",), ("p-1", "p-2"))


def test_two_people_of_one_name_need_their_ids() -> None:
    data = site_data()
    data["people"][0]["name"] = data["people"][1]["name"] = "Li"

    found = preview(book(people=data["people"]), Table.PEOPLE, b"name,channel_1\nLi,phone\n")

    assert faults(found) == [(2, "id")]


@pytest.mark.parametrize("before", ["057112345", "+057112345", "+57112345"])
def test_a_number_that_has_lost_its_beginning_is_a_mistake(before: str) -> None:
    known = book().changed(
        [put("ned", Person.model_validate({"id": "ned", "name": "Ned", "channels": [_phone(before)]}))]
    )

    found = preview(known, Table.PEOPLE, b"id,name,channel_1,address_1\nned,Ned,phone,57112345\n")

    assert faults(found) == [(2, "address_1")]
    assert before in found.faults[0].expected


def test_who_is_not_in_the_file_stays_unless_it_is_asked() -> None:
    text = "id,name,channel_1\nned,Ned,phone\n"

    assert "sue" in people(text).missing
    assert people(text).removed == ()
    asked = people(text, remove_missing=True)
    assert faults(asked), "they still have posts"
    assert not asked.changes


# --- teams and posts --------------------------------------------------------------------------------


def test_merged_cells_of_a_team_mean_the_team_above() -> None:
    text = "队伍,队伍名称,人员,职务\nnorth,North,nora,队长\n,,Ned,队员\n,,mona,member\n"
    text += "west,West,gina,leader\n,,greg,队员\n"

    found = preview(book(), Table.TEAMS, text.encode())

    assert not found.faults
    teams = {change.name: change.value for change in found.changes}
    assert isinstance(teams["north"], Team)
    assert teams["north"].members == ("ned", "mona")
    assert found.new == ("west",)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("team,person,role\n,nora,leader\n", [(2, "team")]),
        ("team,person,role\nnorth,nora,boss\n", [(2, "role")]),
        ("team,person,role\nnorth,nobody,leader\n", [(2, "person"), (2, "role")]),
        ("team,person,role\nnorth,nora,leader\n,ned,leader\n", [(3, "role")]),
        ("team,person,role\nnorth,nora,leader\n,nora,member\n", [(3, "person")]),
        ("team,person,role\nnorth,nora,member\n", [(2, "role")]),
    ],
)
def test_a_team_that_cannot_be_is_told_by_line(text: str, found: list[tuple[int, str]]) -> None:
    seen = preview(book(), Table.TEAMS, text.encode())

    assert set(faults(seen)) <= set(found) and faults(seen)
    assert not seen.changes


def test_posts_by_id_and_by_name() -> None:
    cells = preview(book(), Table.CELLS, b"cell,person\nyard,Greg\nblock,greg\n")
    buildings = preview(book(), Table.BUILDINGS, "楼栋,物业负责人,邻楼\nb-2,mona,b-1；b-3\n".encode())

    assert [change.value for change in cells.changes] == [CellPost(person="greg")]
    assert cells.unchanged == 1
    (change,) = buildings.changes
    assert change.value == BuildingPost(manager="mona", neighbours=("b-1", "b-3"))


def test_emergency_contacts_are_the_whole_list_in_its_order() -> None:
    found = preview(book(), Table.CONTACTS, b"person\nned\nnora\n")
    assert not found.faults
    (change,) = found.changes
    assert change.value == Contacts(people=("ned", "nora"))
    wrong = preview(book(), Table.CONTACTS, b"person\nned\nned\nzoe\n")
    assert [(fault.line, fault.column) for fault in wrong.faults] == [(3, "person"), (4, "person")]


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ("桑小梅".encode("gbk"), "桑小梅"),
        ("桑小梅".encode(), "桑小梅"),
        ("联通".encode("gbk"), "联通"),
        ("José Núñez".encode(), "José Núñez"),
        ("Зоя Ли".encode(), "Зоя Ли"),
        ("Łukasz Öz".encode(), "Łukasz Öz"),
    ],
)
def test_words_that_could_be_of_two_encodings_are_read_as_somebody_would_have_written_them(
    content: bytes, name: str
) -> None:
    assert read_sheet(b"id,name\nx," + content + b"\n").rows[0].cells[1] == name


def test_an_id_that_has_lost_its_zeros_is_a_mistake() -> None:
    data = site_data()
    data["grid"][2]["id"] = "007"
    for building in data["buildings"]:
        building["cell"] = "007"

    found = preview(book(grid=data["grid"], buildings=data["buildings"]), Table.CELLS, b"cell,person\n7,greg\n")

    assert faults(found) == [(2, "cell")]
    assert "'007'" in found.faults[0].expected


# --- round trips ------------------------------------------------------------------------------------

names = st.text(min_size=1, max_size=20).map(str.strip).filter(lambda text: bool(text) and is_plain(text))
stripped = names.filter(lambda text: text == text.strip(" \u3000\xa0") and bool(text))


@pytest.mark.parametrize("table", Table)
@pytest.mark.parametrize("chinese", [False, True])
def test_what_was_exported_changes_nothing(table: Table, chinese: bool) -> None:
    found = preview(book(), table, write_sheet(rows_of(book(), table, chinese)))

    assert (found.faults, found.changes, found.missing) == ((), (), ())
    assert found.unchanged > 0


@given(
    name=stripped,
    to=stripped,
    skills=st.lists(st.sampled_from(Skill), unique=True),
    language=st.sampled_from([None, "zh", "en"]),
)
def test_whatever_somebody_is_called_an_export_changes_nothing(
    name: str, to: str, skills: list[Skill], language: Any
) -> None:
    person = Person.model_validate(
        {"id": "ned", "name": name, "channels": [_phone(to)], "skills": skills, "language": language}
    )
    known = book().changed([put("ned", person)])

    found = preview(known, Table.PEOPLE, write_sheet(rows_of(known, Table.PEOPLE)))

    assert not found.changes
    assert [fault for fault in found.faults if fault.found != to] == []  # an address that reads 1E+5 is asked about


@pytest.mark.parametrize("table", Table)
def test_a_template_has_the_columns_that_an_import_takes(table: Table) -> None:
    for chinese in (False, True):
        found = preview(book(), table, write_sheet(header_rows(table, chinese)))
        assert not found.faults
        assert found.rows == 0


def test_a_thousand_cells_are_read_in_a_moment() -> None:
    found = preview(book(), Table.CELLS, b"cell,person\n" + b"yard,greg\n" * 1_144)

    assert len(found.faults) == 200
    assert found.faults_more == 943


def test_the_whole_is_checked_and_its_warnings_are_told() -> None:
    data = site_data()
    data["channels"]["console"]["rings"] = True
    known = book(channels=data["channels"])

    found = preview(known, Table.PEOPLE, b"id,name,channel_1\nned,Ned,mail\n")

    assert any("ned" in warning and "rings" in warning for warning in found.warnings)
    assert known.value(Section.PERSON, "ned") is not None


def _phone(to: str) -> dict[str, str]:
    return {"channel": "phone", "to": to}


@given(st.sampled_from(list(Table)), st.binary(max_size=200))
def test_whatever_the_bytes_are_it_is_a_preview_or_one_sentence(table: Table, content: bytes) -> None:
    header = next(iter(header_rows(table, False)))
    for whole in (content, ",".join(header).encode() + b"\n" + content):
        try:
            found = preview(book(), table, whole)
        except NotASheet as error:
            assert "expected" in str(error)
        else:
            assert not (found.faults and found.changes)
