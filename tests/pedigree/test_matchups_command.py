"""The commands and the tables of a keeper: what is asked for is done, what is wrong is named with its row."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from click.testing import CliRunner

from ghostcat.cli.pedigree_matchups import draw_command, matchups_command, project_command, report_command
from ghostcat.errors import EstimateRefused, FormatError, InputError
from ghostcat.formats.matchup_tables import read_institutions, read_vetoes
from ghostcat.workflows.lineages import matchups, rates_of, season_of
from ghostcat.workflows.pedigree import read_studbook

BOOK = """кличка,мать,отец,пол,дата рождения,жив,место
Ada,,,F,2015-05-01,да,Москва
Bor,,,M,2014,да,Прага
Caj,,,F,2016,да,Прага
Dim,,,M,2013,да,Москва
Eva,Ada,Bor,F,2020,да,Москва
Fil,Caj,Dim,M,2019,да,Прага
Gul,Ada,Bor,M,2025-03-01,да,Москва
Old,,,M,1999,нет,Прага
"""


@pytest.fixture
def book(tmp_path: Path) -> Path:
    path = tmp_path / "книга.csv"
    path.write_text(BOOK, encoding="utf-8")
    return path


def asked(command, *arguments: object) -> dict:
    """The JSON of a command, strict: no NaN, no second line of something else."""
    result = CliRunner().invoke(command, [str(a) for a in arguments] + ["--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output

    def refuse(word: str) -> None:
        raise AssertionError(word)

    return json.loads(result.stdout, parse_constant=refuse)


def test_the_plan_as_json(book):
    found = asked(matchups_command, book, "--litters", 2, "--season", 2025, "--max-f", 0.1)
    assert found["living"] == 7 and found["season"] == 2025 and found["living_basis"] == "alive"
    assert found["possible_pairs"] == 12 and len(found["scores"]) == 12
    assert len(found["pairs"]) == found["litters_planned"] == 2
    assert found["gene_diversity"]["after"] <= found["gene_diversity"]["bound"]
    assert {c["name"] for c in found["comparisons"]} == {"random", "greedy_mean_kinship"}
    assert all(p["offspring_inbreeding"] <= 0.1 for p in found["pairs"])
    by_pair = {(s["dam"], s["sire"]): s for s in found["scores"]}
    assert by_pair["Ada", "Gul"]["score"] is None and "too_young" in by_pair["Ada", "Gul"]["vetoed_by"]
    assert by_pair["Eva", "Bor"]["offspring_inbreeding"] == 0.25
    assert "inbreeding" in by_pair["Eva", "Bor"]["vetoed_by"]
    assert {a["name"] for a in found["assumptions"]} >= {"young_survival", "capacity"}


def test_the_same_seed_gives_the_same_plan(book):
    one, two = (asked(matchups_command, book, "--litters", 2, "--seed", 5) for _ in range(2))
    for found in (one, two):
        found["settings"].pop("seconds")
    assert one == two


def test_the_future_as_json_has_no_infinity(book):
    found = asked(project_command, book, "--years", 20, "--runs", 20)
    assert [p["strategy"] for p in found["projections"]] == ["plan", "random", "nothing"]
    for projection in found["projections"]:
        assert [row["year"] for row in projection["years"]] == [0, 10, 20]
        first = projection["years"][0]["gene_diversity"]
        assert first["lower"] == first["median"] == pytest.approx(found["gene_diversity_now"])
    codes = {finding["code"] for finding in found["findings"]}
    assert "rates_below_replacement" in codes


def test_drawing_and_page_are_written(book, tmp_path):
    drawn = asked(draw_command, book, "--out", tmp_path / "k.svg", "--line", "Eva")
    assert drawn["animals"] == 8 and (tmp_path / "k.svg").exists()
    files = asked(
        report_command, book, "--folder", tmp_path / "r", "--runs", 20, "--years", 10, "--lang", "ru"
    )
    page = Path(files["html"]).read_text("utf-8")
    assert "Кого с кем разводить?" in page and "Ada" in page


def test_vetoes_in_three_languages_and_those_of_no_one(book, tmp_path):
    table = tmp_path / "vetoes.csv"
    table.write_text(
        "животное;с кем;тип;причина\nAda;;здоровье;почки\nCaj;Dim;法律;\nOld;;behaviour;dead\nZoe;;;typo\n",
        "utf-8",
    )
    read = read_vetoes(table)
    assert [v.kind for v in read.vetoes] == ["health", "law", "behaviour", "other"]
    result = matchups(book, litters=1, season=2025, vetoes=table)
    assert "Ada" not in {m.dam for m in result.plan.matches}
    said = [f for f in result.findings if f.code == "veto_of_no_one"]
    assert [(f.severity, f.ids, f.where) for f in said] == [
        ("warning", ("Old",), "vetoes.csv row 4"),
        ("error", ("Zoe",), "vetoes.csv row 5"),
    ]


def test_distances_between_places_come_from_coordinates(tmp_path):
    table = tmp_path / "zoos.csv"
    table.write_text("zoo,space,lat,lon\nМосква,12,55.76,37.58\nПрага,,50.12,14.41\n", "utf-8")
    read = read_institutions(table, None, sites=("Москва", "Лондон"))
    assert read.institutions.names == ("Москва", "Прага", "Лондон") and read.cost_unit == "transfers"
    assert [f.code for f in read.findings if f.severity == "warning"] == ["place_without_row"]
    read = read_institutions(table, None, sites=("Москва",))
    assert read.cost_unit == "km"
    assert read.institutions.cost[0, 1] == pytest.approx(1668, abs=15)
    assert read.institutions.space.tolist() == [12.0, math.inf]


def test_ways_that_are_closed_or_silent(tmp_path):
    places, ways = tmp_path / "p.csv", tmp_path / "w.csv"
    places.write_text("name,space\nA,3\nB,4\nC,5\n", "utf-8")
    ways.write_text('from,to,cost,allowed\nA,B,"1 200,5",yes\nB,C,7,no\n', "utf-8")
    read = read_institutions(places, ways, sites=())
    assert read.institutions.cost[0, 1] == read.institutions.cost[1, 0] == 1200.5
    assert math.isinf(read.institutions.cost[1, 2]) and math.isinf(read.institutions.cost[0, 2])
    assert [f.ids for f in read.findings if f.code == "ways_without_cost"] == [("A – C",)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name,space\nA,3\nA,4\n", "listed twice"),
        ("name,space\nA,many\n", "'many'"),
        ("name,space\n,3\n", "without a name"),
    ],
)
def test_bad_institutions_are_named_with_their_row(tmp_path, text, words):
    table = tmp_path / "p.csv"
    table.write_text(text, "utf-8")
    with pytest.raises(FormatError, match=words) as fault:
        read_institutions(table, None, sites=())
    assert "row" in str(fault.value)


@pytest.mark.parametrize(
    ("text", "words"), [("from,to,cost\nA,Q,3\n", "'Q'"), ("from,to,cost\nA,B,-3\n", "'-3'")]
)
def test_bad_ways_are_named_with_their_row(tmp_path, text, words):
    table = tmp_path / "w.csv"
    table.write_text(text, "utf-8")
    with pytest.raises(FormatError, match=words) as fault:
        read_institutions(None, table, sites=("A", "B"))
    assert "w.csv row 2" in str(fault.value)


def test_a_veto_without_an_animal_is_named(tmp_path):
    table = tmp_path / "v.csv"
    table.write_text("animal,partner\n,B\n", "utf-8")
    with pytest.raises(FormatError, match=r"v\.csv row 2"):
        read_vetoes(table)


def test_a_limit_on_transfers_without_places_is_an_error(tmp_path):
    book = tmp_path / "b.csv"
    book.write_text("id,dam,sire,sex,alive\na,,,F,1\nb,,,M,1\n", "utf-8")
    with pytest.raises(InputError, match="no places"):
        matchups(book, litters=1, max_transfers=1)


def test_nobody_living_is_refused(tmp_path):
    book = tmp_path / "b.csv"
    book.write_text("id,dam,sire,sex,alive\na,,,F,no\nb,,,M,no\n", "utf-8")
    with pytest.raises(EstimateRefused) as refused:
        season_of(read_studbook(book))
    assert refused.value.code == "no_animals"


def test_a_young_of_the_year_is_nought_and_the_unborn_are_left_out(book):
    table = read_studbook(book)
    now = season_of(table, year=2025)
    age = dict(zip(now.stock.ids, now.stock.age_years.tolist(), strict=True))
    assert age["Gul"] == 0 and age["Ada"] == 10 and age["Bor"] == 11
    then = season_of(table, year=2019)
    assert "Gul" not in then.stock.ids and "Eva" not in then.stock.ids
    assert any(f.code == "born_after_season" for f in then.findings)


def test_given_rates_come_before_those_of_the_studbook(book):
    rules, observed = rates_of(read_studbook(book), young_survival=0.7, female_years=(2, 9))
    assert rules.young_survival == 0.7 and rules.female_years.oldest == 9 and observed == ()
    assert "young_survival" not in rules.assumed and "male_years" in rules.assumed
