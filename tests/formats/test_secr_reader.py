"""Tables in secr's layouts: what is read, and what is refused with which words."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import numpy as np
import pytest

from ghostcat.errors import FormatError
from ghostcat.formats.secr_reader import read_secr

CAPTURES = """session,ID,occasion,detector,alive
2025,Leo,1,1,1
2025,Leo,1,1,1
2025,Leo,2,3,1
2025,Барс,3,2,1
"""
TRAPS = """session,detector,name,x,y,o1,o2,o3
2025,1,ridge,613000,4780000,5,5,0
2025,2,ford,616000,4781000,5,4.5,5
2025,3,pass,613500,4783000,0,5,5
"""
INDIVIDUALS = "session,ID,sex\n2025,Leo,M\n2025,Барс,NA\n"
MASK = "session,x,y\n" + "".join(
    f"2025,{x},{y}\n" for x in range(610000, 620000, 1000) for y in range(4777000, 4787000, 1000)
)
META = json.dumps(
    {
        "name": "valley",
        "units": {"x": "m"},
        "sessions": [{"session": "2025", "noccasions": 3, "detector": "count", "mask_cell_area_ha": 100}],
    }
)
NAMED = {
    "valley.captures.csv": CAPTURES,
    "valley.traps.csv": TRAPS,
    "valley.individuals.csv": INDIVIDUALS,
    "valley.mask.csv": MASK,
    "valley.meta.json": META,
}
CLASSIC_CAPTURES = """# a comment
# Session ID Occasion Detector Sex
S1 Leo 1 A1 M
S1 Leo 2 A2 M
S1 Lea 3 A2 F
"""
CLASSIC_TRAPS = """# Detector X Y usage / covariates
A1 613000 4780000 1 1 0 / 0.5 forest
A2 616000 4781000 1 1 1 / 0.1 rock
"""
CLASSIC = {"captures.txt": CLASSIC_CAPTURES, "traps.txt": CLASSIC_TRAPS}


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def test_named_tables_are_found_by_prefix_captures_file_or_folder(tmp_path: Path) -> None:
    write(tmp_path, NAMED)
    for way in (tmp_path / "valley", tmp_path / "valley.captures.csv", tmp_path):
        tables = read_secr(way)
        assert tables.animals == ("Leo", "Барс")
        assert tables.sex == ("male", "")
        assert tables.detector_names == ("ridge", "ford", "pass")
        np.testing.assert_array_equal(tables.traps_xy_m[1], [616000, 4781000])
        np.testing.assert_array_equal(tables.usage, [[5, 5, 0], [5, 4.5, 5], [0, 5, 5]])
        np.testing.assert_array_equal(tables.effort, [10, 14.5, 10])
        np.testing.assert_array_equal(tables.captures, [[0, 0, 0], [0, 0, 0], [0, 1, 2], [1, 2, 1]])
        np.testing.assert_array_equal(tables.counts(), [[2, 0, 1], [0, 1, 0]])
        assert (tables.detector_kind, tables.session, tables.name) == ("count", "2025", "valley")
        assert tables.mask_xy_m is not None
        assert (tables.mask_xy_m.shape, tables.mask_cell_area_ha) == ((100, 2), 100.0)
        assert tables.findings == ()


def test_individual_files_may_be_named_one_by_one(tmp_path: Path) -> None:
    write(tmp_path, {"c.csv": CAPTURES, "t.csv": TRAPS, "m.csv": MASK, "i.csv": INDIVIDUALS})
    tables = read_secr(
        tmp_path / "c.csv", tmp_path / "t.csv", mask=tmp_path / "m.csv", individuals=tmp_path / "i.csv"
    )
    assert tables.detector_kind == "count"
    assert tables.mask_cell_area_ha == pytest.approx(100.0)
    assert tables.sex == ("male", "")


def test_classic_text_is_read_with_usage_and_covariates(tmp_path: Path) -> None:
    tables = read_secr(write(tmp_path, CLASSIC))
    assert tables.animals == ("Leo", "Lea")
    assert tables.sex == ("male", "female")
    np.testing.assert_array_equal(tables.usage, [[1, 1, 0], [1, 1, 1]])
    np.testing.assert_array_equal(tables.captures, [[0, 0, 0], [0, 1, 1], [1, 2, 1]])
    assert tables.detector_kind == "proximity"


@pytest.mark.parametrize(
    ("traps", "usage"),
    [
        ("A1 613000 4780000 110\nA2 616000 4781000 111\n", [[1, 1, 0], [1, 1, 1]]),
        ("A1 613000 4780000 / 1 1 0 / x\nA2 616000 4781000 / 1 1 1 / y\n", [[1, 1, 0], [1, 1, 1]]),
        ("ID X Y U1 U2 U3\nA1,613000,4780000,1,1,0\nA2,616000,4781000,1,1,1\n", [[1, 1, 0], [1, 1, 1]]),
        ("A1 613000 4780000 / forest\nA2 616000 4781000 / rock\n", [[1, 1, 1], [1, 1, 1]]),
    ],
)
def test_usage_of_classic_detectors_may_be_written_in_several_ways(
    tmp_path: Path, traps: str, usage: list[list[int]]
) -> None:
    tables = read_secr(write(tmp_path, {**CLASSIC, "traps.txt": traps}))
    np.testing.assert_array_equal(tables.usage, usage)
    assert tables.usage_known == ("/ forest" not in traps)


def test_a_single_usage_field_of_one_occasion_is_a_number_of_days(tmp_path: Path) -> None:
    files = {"captures.txt": "S1 Leo 1 A1\n", "traps.txt": "A1 613000 4780000 10\nA2 616000 4781000 11\n"}
    np.testing.assert_array_equal(read_secr(write(tmp_path, files)).usage, [[10], [11]])


def test_gzip_bom_semicolons_decimal_comma_and_windows_line_ends(tmp_path: Path) -> None:
    write(tmp_path, {n: NAMED[n] for n in ("valley.individuals.csv", "valley.meta.json")})
    traps = TRAPS.replace(",", ";").replace("4.5", "4,5").replace("\n", "\r\n")
    (tmp_path / "valley.traps.csv").write_text(traps, encoding="utf-8-sig", newline="")
    (tmp_path / "valley.captures.csv.gz").write_bytes(gzip.compress(CAPTURES.encode()))
    (tmp_path / "valley.mask.csv.gz").write_bytes(gzip.compress(MASK.encode()))
    tables = read_secr(tmp_path / "valley")
    assert tables.usage[1, 1] == 4.5
    assert tables.mask_cell_area_ha == 100.0
    assert len(tables.captures) == 4


def test_animals_that_were_not_released_are_named(tmp_path: Path) -> None:
    captures = "S1 Leo 1 A1\nS1 Leo -2 A2\nS1 NONE 1 NONE\n"
    tables = read_secr(write(tmp_path, {**CLASSIC, "captures.txt": captures}))
    assert tables.removed == ("Leo",)
    assert [f.code for f in tables.findings] == ["animals_removed"]


def test_metres_near_the_origin_are_not_taken_for_degrees(tmp_path: Path) -> None:
    files = {"captures.txt": "S1 m1 1 A1\n", "traps.txt": "A1 0 0\nA2 3 0\nA3 0 3\n"}
    tables = read_secr(write(tmp_path, files))
    np.testing.assert_array_equal(tables.traps_xy_m, [[0, 0], [3, 0], [0, 3]])
    assert [f.code for f in tables.findings] == ["usage_not_given"]


def test_one_session_is_chosen_from_several(tmp_path: Path) -> None:
    captures = CAPTURES + "2026,Lea,1,1,1\n"
    traps = TRAPS + "2026,1,ridge,613000,4780000,9,9,9\n"
    write(tmp_path, {"c.captures.csv": captures, "c.traps.csv": traps})
    assert read_secr(tmp_path / "c", session="2026").animals == ("Lea",)
    assert read_secr(tmp_path / "c", session="2025").usage.shape == (3, 3)
    with pytest.raises(FormatError, match="2 sessions: 2025, 2026"):
        read_secr(tmp_path / "c")
    with pytest.raises(FormatError, match="no session '1999'"):
        read_secr(tmp_path / "c", session="1999")


def change(name: str, old: str, new: str) -> dict[str, str]:
    source = NAMED if name in NAMED else CLASSIC
    assert old in source[name]
    return {**source, name: source[name].replace(old, new)}


BAD = {
    "no detectors table": ({"valley.captures.csv": CAPTURES}, "no table of detectors beside it"),
    "unknown detector": (
        change("valley.captures.csv", "2,3,1", "2,9,1"),
        r"captures.csv row 4: detector 9 is not",
    ),
    "occasion beyond the usage": (
        change("valley.captures.csv", "Барс,3,2", "Барс,4,2"),
        r"row 5: occasion 4 is outside 1…3",
    ),
    "occasion zero": (change("valley.captures.csv", "Leo,2,3", "Leo,0,3"), r"row 4: occasion 0 is outside"),
    "half an occasion": (
        change("valley.captures.csv", "Leo,2,3", "Leo,2.5,3"),
        r"row 4: occasion 2.5 is not a whole number",
    ),
    "occasion in words": (
        change("valley.captures.csv", "Leo,2,3", "Leo,May,3"),
        r"row 4: occasion 'May' is not a",
    ),
    "caught while idle": (
        change("valley.captures.csv", "Leo,2,3", "Leo,1,3"),
        r"row 4: animal Leo was caught at detector pass on occasion 1, when its usage is 0",
    ),
    "no animal": (change("valley.captures.csv", "Барс,3", "NA,3"), r"row 5: a capture has no animal"),
    "captures column missing": (
        change("valley.captures.csv", "ID,occasion", "ID,week"),
        r"captures.csv: no column occasion among session, id, week",
    ),
    "captures header only": (
        {**NAMED, "valley.captures.csv": "session,ID,occasion,detector,alive\n"},
        "header but no rows",
    ),
    "captures empty": ({**NAMED, "valley.captures.csv": ""}, "nothing in it"),
    "field missing in a row": (
        change("valley.captures.csv", "2025,Leo,2,3,1", "2025,Leo,2,3"),
        r"row 4: 4 fields where the header names 5",
    ),
    "detector twice": (
        change("valley.traps.csv", "2025,2,ford", "2025,1,ford"),
        r"row 3: detector 1 occurs twice",
    ),
    "detector without id": (
        change("valley.traps.csv", "2025,2,ford", "2025,,ford"),
        r"row 3: a detector has no id",
    ),
    "coordinate in words": (change("valley.traps.csv", "616000", "six"), r"row 3: x 'six' is not a number"),
    "coordinate infinite": (change("valley.traps.csv", "616000", "inf"), r"row 3: x 'inf' is not a number"),
    "lon and lat columns": (
        change("valley.traps.csv", "name,x,y", "name,lon,lat"),
        r"no column x or y among .*Project longitude and latitude to x and y in metres",
    ),
    "column twice": (
        change("valley.traps.csv", "o1,o2,o3", "o1,o1,o3"),
        r"row 1: the column o1 occurs twice",
    ),
    "hole in usage columns": (change("valley.traps.csv", "o1,o2,o3", "o1,o2,o4"), "holes: o1, o2, o4"),
    "negative usage": (
        change("valley.traps.csv", "4.5", "-4.5"),
        r"row 3: usage of detector ford on occasion 2 is -4.5",
    ),
    "usage missing": (change("valley.traps.csv", "4.5", "NA"), r"row 3: o2 'NA' is not a number"),
    "metadata and usage disagree": (
        change("valley.meta.json", '"noccasions": 3', '"noccasions": 4'),
        r"usage is given for 3 occasion\(s\), but noccasions says 4",
    ),
    "metadata not JSON": ({**NAMED, "valley.meta.json": "{"}, "meta.json: not readable as JSON"),
    "metadata not an object": ({**NAMED, "valley.meta.json": "[]"}, "not an object with a list of sessions"),
    "metadata of another session": (
        change("valley.meta.json", '"session": "2025"', '"session": "1999"'),
        "it does not describe session '2025'",
    ),
    "impossible cell area": (
        change("valley.meta.json", '"mask_cell_area_ha": 100', '"mask_cell_area_ha": -1'),
        "mask_cell_area_ha is -1, not a positive number",
    ),
    "detectors that are areas": (
        change("valley.meta.json", '"count"', '"polygonX"'),
        "detectors of type 'polygonX' are not read",
    ),
    "polygon vertices": (
        change("valley.traps.csv", "session,detector,name", "session,detector,polyID"),
        "these are polygons, not points",
    ),
    "repeats at proximity detectors": (
        change("valley.meta.json", '"count"', '"proximity"'),
        "row 2: animal Leo occurs twice at one proximity detector on occasion 1",
    ),
    "two places at once in a trap": (
        change("valley.meta.json", '"count"', '"multi"'),
        "animal Leo occurs twice on occasion 1, which detectors of type 'multi' exclude",
    ),
    "animal not listed": (
        change("valley.individuals.csv", "2025,Leo,M\n", ""),
        r"individuals.csv: 1 animal\(s\) of the captures are missing, first Leo",
    ),
    "animal listed twice": (
        change("valley.individuals.csv", "2025,Барс", "2025,Leo"),
        r"row 3: animal Leo occurs twice",
    ),
    "strange sex": (change("valley.individuals.csv", "Leo,M", "Leo,X"), r"row 2: sex 'X' of animal Leo"),
    "mask cell twice": (
        change("valley.mask.csv", "2025,610000,4778000", "2025,610000,4777000"),
        r"mask.csv row 3: the cell at x 610000, y 4.777e\+06 occurs twice",
    ),
    "mask off the grid": (
        change("valley.mask.csv", "2025,613000,4780000", "2025,613400,4780000"),
        r"mask.csv row 35: the centre x 613400, .* is not on the grid",
    ),
    "mask thinned against its area": (
        change("valley.meta.json", '"mask_cell_area_ha": 100', '"mask_cell_area_ha": 25'),
        "centres lie 1000 × 1000 m apart, which is 100 ha, but mask_cell_area_ha says 25",
    ),
    "mask without coordinates": (
        change("valley.mask.csv", "session,x,y", "session,lon,lat"),
        "no columns x and y among session, lon, lat",
    ),
    "mask elsewhere": (
        {**NAMED, "valley.mask.csv": "x,y\n0,0\n0,1000\n1000,0\n1000,1000\n"},
        "no detector lies inside the mask",
    ),
    "mask of a single cell": (
        {**{k: v for k, v in NAMED.items() if "meta" not in k}, "valley.mask.csv": "x,y\n613000,4780000\n"},
        r"the area of a cell cannot be told from 1 centre\(s\)",
    ),
    "degrees": (
        {"captures.txt": "S1 Leo 1 A1\n", "traps.txt": "A1 131.07 43.16\nA2 131.11 43.17\n"},
        r"traps.txt row 1: coordinates such as 131.07, 43.16 look like degrees. Give metres",
    ),
    "degrees of one station": (
        {"captures.txt": "S1 Leo 1 A1\n", "traps.txt": "A1 131.07 43.16\n"},
        "look like degrees",
    ),
    "classic line too short": (
        {**CLASSIC, "captures.txt": "S1 Leo 1\n"},
        r"row 1: 3 field\(s\) where a capture needs session, ID, occasion and detector",
    ),
    "classic detector without y": (
        change("traps.txt", "A2 616000 4781000 1 1 1", "A2 616000"),
        r"row 3: 2 field\(s\) where a detector needs an id, x and y",
    ),
    "classic usage of unequal length": (
        change("traps.txt", "4781000 1 1 1", "4781000 1 1"),
        r"usage value\(s\) where other detectors have",
    ),
    "classic detector twice": (change("traps.txt", "A2 ", "A1 "), r"row 3: detector A1 occurs twice"),
    "caught after removal": (
        change("captures.txt", "S1 Leo 1 A1", "S1 Leo -1 A1"),
        r"row 4: animal Leo is caught on occasion 2, after it was not released on occasion 1",
    ),
    "never operated": (
        {"captures.txt": "S1 NONE 1 A1\n", "traps.txt": "A1 613000 4780000 0 0\nA2 616000 4781000 0 0\n"},
        "no detector ever operated",
    ),
    "only comments": ({**CLASSIC, "captures.txt": "# nothing\n"}, "nothing in it but comments"),
}


@pytest.mark.parametrize(("files", "message"), BAD.values(), ids=BAD.keys())
def test_bad_tables_are_refused_with_place(tmp_path: Path, files: dict[str, str], message: str) -> None:
    write(tmp_path, files)
    with pytest.raises(FormatError, match=message):
        read_secr(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("session;Имя".encode("utf-16"), "is not UTF-8 text"),
        ("S1 Барс 1 A1\n".encode("cp1251"), "byte 3 is not UTF-8 text"),
        (b"S1 Leo\x00 1 A1\n", "not a text file"),
    ],
)
def test_files_that_are_not_text_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    write(tmp_path, CLASSIC)
    (tmp_path / "captures.txt").write_bytes(content)
    with pytest.raises(FormatError, match=message):
        read_secr(tmp_path)


def test_a_broken_gzip_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    write(tmp_path, NAMED)
    (tmp_path / "valley.mask.csv").unlink()
    (tmp_path / "valley.mask.csv.gz").write_bytes(gzip.compress(MASK.encode())[:50])
    with pytest.raises(FormatError, match=r"mask.csv.gz: the file cannot be read"):
        read_secr(tmp_path / "valley")
    with pytest.raises(FormatError, match="neither such a file nor a table with this prefix"):
        read_secr(tmp_path / "elsewhere")


def test_two_problems_in_one_folder_have_to_be_named(tmp_path: Path) -> None:
    write(tmp_path, NAMED)
    write(tmp_path, {name.replace("valley", "hill"): text for name, text in NAMED.items()})
    with pytest.raises(FormatError, match="2 problems lie here: hill, valley"):
        read_secr(tmp_path)


def test_a_mask_with_holes_and_rounded_centres_keeps_its_cell_area(tmp_path: Path) -> None:
    step = 19.583333333
    cells = [
        (613000 + round(i * step, 2), 4780000 + round(j * step, 2))
        for i in range(30)
        for j in range(30)
        if (i * 7 + j * 3) % 5 and not 10 < i < 14
    ]
    mask = "x,y\n" + "".join(f"{x:.2f},{y:.2f}\n" for x, y in cells)
    files = {"a.captures.csv": "ID,occasion,detector\nLeo,1,1\n", "a.mask.csv": mask}
    files["a.traps.csv"] = "detector,x,y\n1,613100,4780100\n2,613300,4780200\n"
    tables = read_secr(write(tmp_path, files) / "a")
    assert tables.mask_cell_area_ha == pytest.approx(step**2 / 1e4, rel=1e-4)


SHARED = Path(os.environ.get("GHOSTCAT_SHARED", Path(__file__).parents[3] / "shared"))
PROBLEMS = sorted((SHARED / "reference" / "scr").glob("*/*.meta.json"))


@pytest.mark.skipif(not PROBLEMS, reason="the shared reference problems are not on this machine")
def test_reference_problems_are_read_as_their_metadata_count_them() -> None:
    read = 0
    for meta in PROBLEMS:
        stated = json.loads(meta.read_text(encoding="utf-8"))["sessions"]
        prefix = meta.with_name(meta.name.removesuffix(".meta.json"))
        if any(s["detector"] in ("polygonX", "signal") for s in stated):
            continue
        for session in stated:
            tables = read_secr(prefix, session=session["session"])
            assert tables.mask_xy_m is not None
            assert (
                len(tables.animals),
                tables.usage.shape,
                len(tables.captures),
                len(tables.mask_xy_m),
                tables.usage_known,
            ) == (
                session["n"],
                (session["ndetectors"], session["noccasions"]),
                session["ndetections"],
                session["mask_points"],
                session["usage"],
            ), prefix.name
            assert tables.mask_cell_area_ha == pytest.approx(session["mask_cell_area_ha"])
            read += 1
    assert read >= 15
