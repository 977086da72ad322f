"""oSCR's encounter and trap deployment tables."""

import numpy as np
import pytest

from ghostcat.errors import FormatError
from ghostcat.formats.oscr_reader import read_oscr
from ghostcat.scr import Mask

EDF = """session,individual,occasion,detector,sex
1,A,1,T1,F
1,A,3,T2,F
1,B,2,T2,NA
2,A,1,S1,F
2,C,2,S2,M
"""
TDF1 = """Detector,X,Y,1,2,3,sep,road,water.1,water.2,water.3
T1,0,0,1,1,0,/,on,0.5,0.6,0.7
T2,3000,0,1,1,0.5,/,off,1.5,1.6,1.7
"""
TDF2 = """Detector,X,Y,1,2,sep,road
S1,0,0,1,0,/,on
S2,0,2500,1,1,/,on
"""


@pytest.fixture
def write(tmp_path):
    def writer(name, text):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return writer


def test_two_sessions_with_effort_and_covariates(write):
    first, second = read_oscr(
        write("edf.csv", EDF), [write("tdf1.csv", TDF1), write("tdf2.csv", TDF2)], crs="EPSG:32652"
    )
    assert (first.name, second.name) == ("1", "2")
    assert first.animals == ("A", "B") and first.sex == ("female", "")
    assert second.sex == ("female", "male")
    array = first.array
    assert array.usage.tolist() == [[1, 1, 0], [1, 1, 0.5]]
    assert array.xy_m.tolist() == [[0, 0], [3000, 0]]
    records = sorted(
        zip(array.animal.tolist(), array.occasion.tolist(), array.detector.tolist(), strict=True)
    )
    assert records == [(0, 0, 0), (0, 2, 1), (1, 1, 1)]
    assert list(array.covariates["road"]) == ["on", "off"]
    assert np.asarray(array.covariates["water"]).tolist() == [[0.5, 0.6, 0.7], [1.5, 1.6, 1.7]]
    assert array.kind == "proximity"
    session = first.session(Mask([[0.0, 0.0], [1000.0, 0.0]], 1.0))
    assert session.animals == ("A", "B")
    assert list(session.animal_covariates["sex"]) == ["female", ""]


def test_repeats_make_counts_and_a_number_column_too(write):
    edf = write("edf.csv", "id,occ,trap,n\nA,1,T1,2\nA,2,T2,1\n")
    (found,) = read_oscr(edf, write("t.csv", "trap,x,y\nT1,0,0\nT2,3,0\n"), unit_m=1000.0)
    assert found.array.kind == "count"
    assert found.array.counts.tolist() == [2, 1]
    assert found.array.xy_m.tolist() == [[0, 0], [3000, 0]]
    assert found.array.usage.tolist() == [[1, 1], [1, 1]]
    assert {f.code for f in found.findings} >= {"usage_not_given", "detector_kind_guessed"}


def test_columns_by_position_semicolons_and_a_session_without_detections(write):
    edf = write("edf.csv", "Session;ID;Occasion;Trap\n2;A;1;x1\n2;A;2;x2\n")
    empty = write("t1.csv", "name;east;north;d1;d2\ny1;0,5;0;1;1\n")
    other = write("t2.csv", "name;east;north;d1;d2\nx1;0,0;0;1;1\nx2;2500,5;0;1;1\n")
    first, second = read_oscr(edf, [empty, other])
    assert first.animals == () and first.array.usage.shape == (1, 2)
    assert second.array.xy_m[1, 0] == 2500.5
    assert second.sex == ()


def test_one_trap_table_serves_all_sessions(write):
    edf = write("edf.csv", "session,id,occasion,trap\n2020,A,1,T1\n2019,B,1,T2\n")
    found = read_oscr(edf, write("t.csv", "trap,x,y,1\nT1,0,0,1\nT2,3000,0,1\n"))
    assert [f.name for f in found] == ["2019", "2020"]


@pytest.mark.parametrize(
    ("edf", "tdf", "words"),
    [
        (EDF.replace("A,1,T1,F", "A,1,T9,F"), TDF1, "detector 'T9'"),
        (EDF.replace("A,1,T1", "A,4,T1"), TDF1, "occasion 4 of 3"),
        (EDF.replace("A,1,T1", "A,3,T1"), TDF1, "did not work"),
        (EDF.replace("A,1,T1", "A,x,T1"), TDF1, "whole number"),
        (EDF.replace("A,1,T1,F", "A,1,T1,M"), TDF1, "animal A is"),
        (EDF.replace("A,1,T1,F", "A,1,T1,cat"), TDF1, "sex is 'cat'"),
        (EDF.replace("1,A,1,T1", "1,,1,T1"), TDF1, "no individual"),
        (EDF, TDF1.replace("T2,3000", "T1,3000"), "occurs twice"),
        (EDF, TDF1.replace("3000", "far"), "not a number"),
        (EDF, TDF1.replace("1,1,0.5", "1,-1,0.5"), "negative"),
    ],
)
def test_faults_name_their_row(write, edf, tdf, words):
    with pytest.raises(FormatError, match=words) as fault:
        read_oscr(write("edf.csv", edf), [write("tdf1.csv", tdf), write("tdf2.csv", TDF2)])
    assert "row" in fault.value.where


def test_sessions_and_tables_must_agree(write):
    with pytest.raises(FormatError, match="3 trap tables"):
        read_oscr(write("edf.csv", EDF.replace("\n2,", "\n7,")), [write(f"t{i}.csv", TDF1) for i in range(3)])
    with pytest.raises(FormatError, match="occasions"):
        read_oscr(write("e.csv", EDF), [write("a.csv", TDF1), write("b.csv", TDF2)], occasions=5)
