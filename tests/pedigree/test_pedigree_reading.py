"""Studbooks as people keep them: three languages, four file formats, every word for an unknown parent."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostcat.errors import FormatError
from ghostcat.formats.pedigree_dates import read_dates
from ghostcat.formats.pedigree_reader import read_pedigree
from ghostcat.formats.pedigree_words import parent_word, read_sex
from ghostcat.pedigree import FEMALE, MALE, UNKNOWN_ANCESTRY, WILD, inbreeding, kinship
from ghostcat.workflows.pedigree import read_studbook


def read(tmp_path, text, name="studbook.csv", encoding="utf-8"):
    path = tmp_path / name
    path.write_bytes(text.encode(encoding))
    return read_pedigree(path)


def codes(table):
    return [finding.code for finding in table.findings]


HEADINGS = [
    "id,dam,sire,sex",
    "ID;Dam ID;Sire ID;Sex",
    "studbook\tmother\tfather\tgender",
    "Animal,MotherID,FatherID,SEX",
    "Номер,Мать,Отец,Пол",
    "Кличка;Мать;Отец;Пол",
    "编号,母亲,父亲,性别",
    "谱系号,母本,父本,性别",
]


@pytest.mark.parametrize("heading", HEADINGS)
def test_headings(tmp_path, heading):
    separator = next(mark for mark in "\t;," if mark in heading)
    body = ["kid,ma,pa,M", "ma,,,F", "pa,,,M"]
    text = "\n".join([heading, *(line.replace(",", separator) for line in body)])
    pedigree = read(tmp_path, text).pedigree
    assert pedigree.ids == ("kid", "ma", "pa")
    assert kinship(pedigree, [0], others=[1])[0, 0] == 0.25
    assert pedigree.sex.tolist() == [MALE, FEMALE, MALE]


UNKNOWN = ["", "0", "NA", "na", "N/A", "unknown", "Unknown", "UNK", "unk", "Unk.", "-", "?", "NaN", "None"]
UNKNOWN += ["неизв.", "Неизвестно", "未知", "不详", "0.0", "UNKNOWN ", "MULT"]


@pytest.mark.parametrize("word", [word for word in UNKNOWN if word != "Unk."])
def test_unknown_parents(tmp_path, word):
    text = f"id,dam,sire\na,{word},{word}\nb,a,{word}\n"
    pedigree = read(tmp_path, text).pedigree
    assert pedigree.ids == ("a", "b")
    assert pedigree.dam.tolist() == [-1, 0]
    assert (pedigree.sire == -1).all()
    assert pedigree.dam_unknown.tolist() == [WILD, 0]
    assert pedigree.sire_unknown.tolist() == [WILD, UNKNOWN_ANCESTRY]


def test_wild_parents_are_founder_lines(tmp_path):
    table = read(tmp_path, "id,dam,sire\na,Wild,WILD\nb,a,UNK\nc,WILD1,wild_2\nd,UNK,UNK\n")
    pedigree = table.pedigree
    assert len(pedigree) == 4
    assert pedigree.wild_born.tolist() == [1, -1, 1, -1]
    assert pedigree.dam_unknown.tolist() == [WILD, 0, WILD, UNKNOWN_ANCESTRY]


def test_a_row_called_like_a_word_is_an_animal(tmp_path):
    pedigree = read(tmp_path, "id,dam,sire\nWild1,,\nwilda,Wild1,\n").pedigree
    assert pedigree.ids == ("Wild1", "wilda")
    assert pedigree.dam.tolist() == [-1, 0]
    assert parent_word("Wilda") == "name"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["M", "F", ""], [1, 2, 0]),
        (["male", "Female", "unknown"], [1, 2, 0]),
        (["1", "2", "3"], [1, 2, 0]),
        (["1", "2", "0"], [1, 2, 0]),
        (["0", "1", "0"], [1, 2, 1]),
        (["1", "0", "1"], [1, 2, 1]),
        (["1.0", "0.1", "0.0.1"], [1, 2, 0]),
        (["самец", "самка", "неизв."], [1, 2, 0]),
        (["雄", "雌", "未知"], [1, 2, 0]),
        (["♂", "♀", "?"], [1, 2, 0]),
    ],
)
def test_sexes(tmp_path, words, expected):
    """The coding of numbers is told by who is a sire and who a dam."""
    text = f"id,dam,sire,sex\npa,,,{words[0]}\nma,,,{words[1]}\nkid,ma,pa,{words[2]}\n"
    assert read(tmp_path, text).pedigree.sex.tolist() == expected


def test_sexes_that_nobody_tells(tmp_path):
    table = read(tmp_path, "id,dam,sire,sex\na,,,0\nb,,,1\nc,,,green\n")
    assert table.pedigree.sex.tolist() == [0, 0, 0]
    assert codes(table) == ["sex_coding_unclear", "sex_not_read"]
    assert table.findings[1].where == "studbook.csv row 4"


def test_names_in_another_encoding(tmp_path):
    text = "Кличка;Мать;Отец\nАмур;;\nТайга;Уссури;Амур\nУссури;;\n"
    table = read(tmp_path, text, encoding="cp1251")
    assert table.pedigree.ids == ("Амур", "Тайга", "Уссури")
    assert codes(table) == ["encoding_guessed"]


def test_spellings_of_parents_are_matched_and_told(tmp_path):
    table = read(tmp_path, "id,dam,sire\n12,,\nLeo 1,,\nx,12.0,LEO-1\ny,0012,Leo  1\n1-3,,\nz,13,\n")
    pedigree = table.pedigree
    assert pedigree.dam.tolist()[2:4] == [0, 0]
    assert pedigree.sire.tolist()[2:4] == [1, 1]
    assert codes(table).count("parent_spelled_otherwise") == 3
    # 1-3 is not 13: the parent is added and said.
    assert pedigree.ids[-1] == "13"
    assert codes(table)[-1] == "parent_without_row"
    assert table.findings[-1].where == "studbook.csv row 7"


def test_rows_that_repeat(tmp_path):
    table = read(tmp_path, "id,dam,sire,sex\na,,,F\na,,,F\nb,a,,M\nb,a,,F\n0,,,\n,a,,\n")
    assert table.pedigree.ids == ("a", "b")
    found = {finding.code: finding.where for finding in table.findings}
    assert found == {
        "row_repeated": "studbook.csv row 3",
        "id_with_different_data": "studbook.csv row 5",
        "missing_word_as_id": "studbook.csv row 6",
        "animal_without_id": "studbook.csv row 7",
    }


def test_one_animal_with_two_mothers_is_refused(tmp_path):
    with pytest.raises(FormatError, match=r"row 4: c has two rows with different parents: dam 'a' in row 3"):
        read(tmp_path, "id,dam,sire\na,,\nc,a,\nc,b,\n")


def test_columns_missing(tmp_path):
    with pytest.raises(FormatError, match="no column for the sire"):
        read(tmp_path, "id,dam\na,\n")


def test_the_id_is_the_column_that_parents_use(tmp_path):
    table = read(tmp_path, "GAN,Name,Sire,Dam\nG1,Amur,,\nG2,Ussuri,,\nG3,Taiga,Amur,Ussuri\n")
    assert table.pedigree.ids == ("Amur", "Ussuri", "Taiga")
    assert table.pedigree.other["GAN"] == ("G1", "G2", "G3")


def test_families_with_equal_ids(tmp_path):
    table = read(tmp_path, "ped,id,dam,sire\n1,a,,\n1,b,a,\n2,a,,\n2,b,a,\n")
    assert table.pedigree.ids == ("1:a", "1:b", "2:a", "2:b")
    assert table.pedigree.dam.tolist() == [-1, 0, -1, 2]


@pytest.mark.parametrize("cell", ["a:0.6|b:0.4", "a (60%) / b (40 %)", "a=0.6; b=0.4", "a:60%|b:0,4"])
def test_uncertain_parents(tmp_path, cell):
    table = read(tmp_path, f'id,dam,sire\na,,\nb,,\nc,,"{cell}"\n')
    odds = {(entry.parent, round(entry.probability, 9)) for entry in table.pedigree.odds}
    assert odds == {(0, 0.6), (1, 0.4)}
    np.testing.assert_allclose(kinship(table.pedigree, [2], others=[0, 1]), [[0.15, 0.1]], atol=1e-15)


def test_uncertain_parents_without_odds(tmp_path):
    table = read(tmp_path, "id,dam,sire\na,,\nb,,\nc,,a|b\nd,,a|zz\n")
    assert [entry.probability for entry in table.pedigree.odds] == [0.5, 0.5, 0.5]
    assert codes(table) == ["odds_taken_as_equal", "possible_parent_not_found", "odds_taken_as_equal"]
    with pytest.raises(FormatError, match=r"add up to 1\.3"):
        read(tmp_path, "id,dam,sire\na,,\nb,,\nc,,a:0.9|b:0.4\n")


def test_dates_in_three_formats(tmp_path):
    text = "id,dam,sire,birth\na,,,2001-02-03\nb,,,04.05.2002\nc,,,6/7/2003\nd,,,13/7/2004\ne,,,2005\n"
    table = read(tmp_path, text + "f,,,~2006\ng,,,2007-03\nh,,,20080229\ni,,,soon\n")
    birth = table.pedigree.birth
    assert np.floor(birth[:8]).tolist() == [2001, 2002, 2003, 2004, 2005, 2006, 2007, 2008]
    assert np.isnan(birth[8])
    assert table.pedigree.birth_margin[4:7].round(3).tolist() == [0.5, 1.5, 0.042]
    assert codes(table) == ["date_not_read", "date_formats_mixed"]


def test_dates_with_an_unclear_order_keep_the_year():
    dates, findings = read_dates(["03/04/2015"], estimates=[""], what="birth", places=["x row 2"])
    assert (dates[0].year, dates[0].margin) == (2015.5, 0.5)
    assert findings[0].code == "date_order_unclear"


def test_populations_and_sets(tmp_path):
    text = "id,dam,sire,population,target,status,birth type\n"
    text += "a,,,wild,1,alive,Wild Born\nb,,,zoo,0,dead,Captive Born\nc,a,b,,1,?,\n"
    pedigree = read(tmp_path, text).pedigree
    assert pedigree.population == ("wild", "managed", "")
    assert pedigree.reference.tolist() == [True, False, True]
    assert pedigree.alive.tolist() == [1, 0, -1]
    assert pedigree.wild_born.tolist() == [1, 0, -1]
    assert pedigree.living.tolist() == [True, False, False]


def test_gedcom(tmp_path):
    lines = ["0 HEAD", "1 CHAR UTF-8"]
    for number, sex, born in ((1, "M", "12 MAY 2001"), (2, "F", "ABT 2000"), (3, "F", "BET 2005 AND 2006")):
        lines += [
            f"0 @I{number}@ INDI",
            f"1 NAME Кот {number} //",
            f"1 SEX {sex}",
            "1 BIRT",
            f"2 DATE {born}",
        ]
    lines += ["0 @F1@ FAM", "1 HUSB @I1@", "1 WIFE @I2@", "1 CHIL @I3@", "1 CHIL @I9@", "what", "0 TRLR"]
    table = read(tmp_path, "\n".join(lines), name="tree.ged")
    assert table.kind == "gedcom"
    assert table.pedigree.ids == ("I1", "I2", "I3")
    assert (table.pedigree.dam[2], table.pedigree.sire[2]) == (1, 0)
    assert table.pedigree.birth_margin.tolist() == [0.0, 1.0, 1.0]
    assert codes(table)[:2] == ["line_not_read", "child_without_record"]


def test_plink_fam(tmp_path):
    table = read(tmp_path, "1 kid pa ma 2 -9\n1 pa 0 0 1 -9\n1 ma 0 0 2 -9\n", name="x.fam")
    assert table.kind == "fam"
    assert (table.pedigree.dam[0], table.pedigree.sire[0]) == (2, 1)


def dbf(fields, records, *, driver=0, encoding="ascii"):
    """A dBASE III file; fields are (name, type, width)."""
    width = 1 + sum(size for _, _, size in fields)
    head = struct.pack("<BBBBIHH", 3, 26, 1, 1, len(records), 33 + 32 * len(fields), width)
    head += bytes(17) + bytes([driver]) + bytes(2)
    for name, kind, size in fields:
        head += name.encode().ljust(11, b"\0") + kind.encode() + bytes(4) + bytes([size, 0]) + bytes(14)
    body = b""
    for record in records:
        body += b" " + b"".join(
            text.encode(encoding).ljust(size) for text, (_, _, size) in zip(record, fields, strict=True)
        )
    return head + b"\r" + body + b"\x1a"


FIELDS = [("STUD_ID", "C", 6), ("DAM_ID", "C", 6), ("SIRE_ID", "C", 6), ("SEX", "C", 1), ("BDATE", "D", 8)]
ANIMALS = [
    ("101", "WILD", "WILD", "0", "19990115"),
    ("102", "WILD", "WILD", "1", ""),
    ("103", "102", "101", "1", "20040704"),
    ("104", "103", "101", "0", "20090725"),
]


def test_sparks(tmp_path):
    path = tmp_path / "MASTER.DBF"
    path.write_bytes(dbf([*FIELDS, ("NAME", "C", 10)], [(*row, "Лео") for row in ANIMALS], encoding="cp1251"))
    moves = [
        ("103", "Birth", "20040704", "MOSCOW"),
        ("103", "Death", "20150101", ""),
        ("101", "Transfer", "20010101", "KIEV"),
    ]
    fields = [("STUD_ID", "C", 6), ("EVENT", "C", 8), ("EVENTDATE", "D", 8), ("LOCATION", "C", 8)]
    (tmp_path / "MOVES.DBF").write_bytes(dbf(fields, moves))
    table = read_pedigree(path)
    pedigree = table.pedigree
    assert table.kind == "sparks"
    assert inbreeding(pedigree).tolist() == [0, 0, 0, 0.25]
    assert pedigree.sex.tolist() == [MALE, FEMALE, FEMALE, MALE]
    assert pedigree.wild_born.tolist() == [1, 1, -1, -1]
    assert pedigree.place == ("KIEV", "", "MOSCOW", "")
    assert pedigree.alive[2] == 0
    assert pedigree.other["NAME"] == ("Лео",) * 4
    assert "encoding_guessed" in codes(table)


def test_a_broken_dbf_says_so(tmp_path):
    (tmp_path / "x.dbf").write_bytes(b"\x03")
    with pytest.raises(FormatError, match="dBASE"):
        read_pedigree(tmp_path / "x.dbf")


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=1, max_size=7))
def test_any_order_and_any_loop_is_read(tmp_path_factory, parents):
    """Whatever the rows say, the reader returns the animals and the checks return findings."""
    rows = [f"{i + 1},{dam or ''},{sire or ''}" for i, (dam, sire) in enumerate(parents)]
    path = tmp_path_factory.mktemp("any") / "p.csv"
    path.write_text("id,dam,sire\n" + "\n".join(rows))
    table = read_studbook(path)
    pedigree = table.pedigree
    assert pedigree.ids[: len(parents)] == tuple(str(i + 1) for i in range(len(parents)))
    loop = any(finding.code == "own_ancestor" for finding in table.findings)
    reach = np.zeros((len(pedigree), len(pedigree)), dtype=bool)
    for i in range(len(parents)):
        for parent in (pedigree.dam[i], pedigree.sire[i]):
            if parent >= 0:
                reach[i, parent] = True
    for _ in range(len(pedigree)):
        reach |= reach @ reach
    assert loop == reach.diagonal().any()


def test_read_sex_knows_what_it_does_not_know():
    assert read_sex("whatever", "words") is None
