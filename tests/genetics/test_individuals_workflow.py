"""The command line and the survey: identify, samples as evidence, links as decisions, history."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from click.testing import CliRunner

from ghostcat.cli.app import cli
from ghostcat.errors import DecisionError, EstimateRefused, EvidenceConflict, InputError
from ghostcat.survey import create_survey
from ghostcat.survey.decisions import standing
from ghostcat.survey.evidence import Deployment, Evidence, Media, Sample, Source, Station
from ghostcat.workflows.genetics_identify import IdentifyOptions, identify_samples
from ghostcat.workflows.genetics_links import dna_links, link_sample
from ghostcat.workflows.genetics_samples import keep_samples

LOCI = [f"L{i}" for i in range(1, 11)]
HEAD = "sample,replicate,date,station,sex_marker,species_marker," + ",".join(
    f"{name}{side}" for name in LOCI for side in "ab"
)
ONE = ["100", "104"] * 10
TWO = ["102", "106"] * 10
LOST = ["100", "100"] + ["100", "104"] * 9


def row(sample, replicate, day, station, sex, genotype, species="leopard"):
    return ",".join([sample, replicate, day, station, sex, species, *genotype])


@pytest.fixture
def table(tmp_path):
    file = tmp_path / "scats.csv"
    rows = [
        HEAD,
        row("a", "1", "2026-01-01", "A4", "XY", ONE),
        row("a", "2", "2026-01-01", "A4", "XY", LOST),
        row("a", "3", "2026-01-01", "A4", "XY", ONE),
        row("b", "1", "2026-01-09", "B4", "XY", ONE),
        row("b", "2", "2026-01-09", "B4", "", ONE),
        row("c", "1", "2026-01-10", "B4", "XX", TWO),
        row("c", "2", "2026-01-10", "B4", "XX", TWO),
        row("d", "1", "2026-01-10", "B4", "XX", ["100", "104"] + [""] * 18),
        row("e", "1", "2026-01-11", "B4", "XX", TWO, species="lynx"),
        row("e", "2", "2026-01-11", "B4", "XX", TWO, species="lynx"),
    ]
    file.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return file


def run(*arguments):
    return CliRunner().invoke(cli, [str(one) for one in arguments], catch_exceptions=False)


def strict(text):
    def refuse(constant):
        raise AssertionError(constant)

    return json.loads(text, parse_constant=refuse)


def test_identify_as_json(table):
    done = run("genetics", "identify", table, "--species", "leopard", "--json")
    assert done.exit_code == 0
    found = strict(done.stdout)
    assert [one["samples"] for one in found["individuals"]] == [["a", "b"], ["c"]]
    number = found["n_individuals"]
    assert (number["count"], number["lower"], number["upper"]) == (2, 2, 2)
    assert number["estimate"] == pytest.approx(2.0, abs=0.05)
    assert 0 < found["pid"] < found["pidsib"] < 1 and found["expected_wrong_merges"] > 0
    state = {one["sample"]: one["state"] for one in found["samples"]}
    assert state == {
        "a": "assigned", "b": "assigned", "c": "assigned", "d": "too_few_loci", "e": "other_species",
    }  # fmt: skip
    assert found["samples"][0]["quality"] == pytest.approx((9 * 3 + 2) / 30)
    assert [one["sex"] for one in found["individuals"]] == ["male", "female"]
    assert found["individuals"][0]["genotype"]["L1"] == ["100", "104"]
    assert found["error_rates"]["dropout"]["origin"] == "estimated"
    assert found["error_rates"]["dropout"]["lower"] <= found["error_rates"]["dropout"]["value"]
    keys = {"allele_mismatch", "n_samples", "n_unique", "n_unclassified", "n_multiplematch"}
    assert set(found["mismatch_profile"][0]) == keys
    assert {"samples_too_few_loci", "samples_other_species"} <= {one["code"] for one in found["findings"]}
    assert found["rerun"][0]["sample"] in ("d", "c", "b", "a", "e")


def test_identify_for_people(table):
    done = run("genetics", "identify", table)
    assert done.exit_code == 0
    assert "Minimum count, which is not an estimate" in done.stdout and "PIDsib" in done.stdout


def test_held_rates_are_told_as_assumptions(table):
    found = identify_samples(table, options=IdentifyOptions(dropout=0.05, false_allele=0.01))
    assert found["error_rates"]["dropout"]["origin"] == "assumed"
    assert "error_rate_assumed" in {one.code for one in found["findings"]}


def test_one_sample_is_no_set_of_individuals(tmp_path):
    file = tmp_path / "one.csv"
    file.write_text(f"{HEAD}\n{row('a', '1', '', '', '', ONE)}\n", encoding="utf-8")
    with pytest.raises(EstimateRefused, match="1 of 1"):
        identify_samples(file)


def test_nothing_read_and_a_locus_that_never_worked(tmp_path):
    file = tmp_path / "empty.csv"
    blank = ["", ""] * 10
    file.write_text("\n".join([HEAD, *(row(s, "1", "", "", "", blank) for s in "ab")]), encoding="utf-8")
    with pytest.raises(EstimateRefused, match="no locus"):
        identify_samples(file)
    failed = ["", ""] + ["100", "104"] * 9
    other = ["", ""] + ["102", "106"] * 9
    rows = [row(s, "1", "", "", "", g) for s, g in (("a", failed), ("b", failed), ("c", other))]
    file.write_text("\n".join([HEAD, *rows]), encoding="utf-8")
    found = identify_samples(file)
    assert [one["samples"] for one in found["individuals"]] == [["a", "b"], ["c"]]
    assert found["panel"]["loci"][0]["pid"] == 1.0


def photographed(folder):
    """A survey with two photos of one station."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    survey = create_survey(folder)
    survey.add_evidence(
        Evidence(
            source=Source(id="p", kind="folder", name="p", location="/cards", fingerprint="1"),
            stations=(Station(id="A4", lon=131.0, lat=43.0),),
            deployments=(Deployment(id="A4A", station_id="A4", start=start, end=start + timedelta(days=60)),),
            media=tuple(Media(id=f"m{i}", deployment_id="A4A", path=f"/cards/m{i}.JPG") for i in (1, 2)),
        )
    )
    return survey


def test_samples_are_evidence(tmp_path, table):
    with photographed(tmp_path / "s") as survey:
        before = survey.fingerprint()
        report, _ = keep_samples(survey, table)
        assert report.added["sample"] == 5 and survey.fingerprint() != before
        again, _ = keep_samples(survey, table)
        assert again.nothing_new
        kept = survey.snapshot().samples["a"]
        assert (kept.collected, kept.place, len(kept.readings)) == (date(2026, 1, 1), "A4", 3)
        assert kept.readings[1]["loci"]["L1"] == ["100", "100"]
        assert survey.check() is not None
        other = Sample(id="a", place="elsewhere")
        with pytest.raises(EvidenceConflict, match="sample a"):
            survey.add_evidence(
                Evidence(
                    source=Source(id="q", kind="genotypes", name="q", location="", fingerprint="2"),
                    samples=(other,),
                )
            )


def test_a_survey_is_identified_as_its_file_is(tmp_path, table):
    with photographed(tmp_path / "s") as survey:
        keep_samples(survey, table)
    options = IdentifyOptions(species="leopard")
    from_file = identify_samples(table, options=options)
    from_survey = identify_samples(tmp_path / "s", options=options)
    assert [one["samples"] for one in from_survey["individuals"]] == [
        one["samples"] for one in from_file["individuals"]
    ]
    assert from_survey["pid"] == pytest.approx(from_file["pid"])
    assert from_survey["individuals"][0]["sex"] == "male"


def test_links_are_decisions_that_can_be_undone(tmp_path, table):
    with photographed(tmp_path / "s") as survey:
        keep_samples(survey, table)
        number = link_sample(survey, "a", "m1", confidence=0.8, by="Ana", shown={"seed": 1})
        made = survey.decisions()[-1]
        assert (made.kind, made.value, made.media_a, made.confidence) == ("dna_same", "a", "m1", 0.8)
        assert made.actor == "Ana" and made.made_at is not None
        individuals = [{"id": "D1", "samples": ["a", "b"]}]
        assert dna_links(survey, individuals).animal_of == {"D1": ("m1",)}
        link_sample(survey, "b", "m2", laboratory=True, by="lab")
        links = dna_links(survey, individuals)
        assert links.animal_of == {"D1": ("m1", "m2")}
        assert [one.code for one in links.findings] == ["dna_joins_animals"]
        link_sample(survey, "b", "m2", same=False, by="Ana")  # a person outweighs the laboratory
        assert dna_links(survey, individuals).findings == ()
        done = run("decide", tmp_path / "s", "undo", number)
        assert done.exit_code == 0
        assert "dna_same" not in {one.kind for one in standing(survey.decisions()) if one.value == "a"}
        with pytest.raises(DecisionError, match="no sample"):
            link_sample(survey, "nobody", "m1")
        with pytest.raises(DecisionError, match="neither an animal nor a photo"):
            link_sample(survey, "a", "m9")


def test_history_from_the_command_line(tmp_path, table):
    with photographed(tmp_path / "s"):
        pass
    assert run("genetics", "samples", tmp_path / "s", table).exit_code == 0
    assert run("genetics", "link", tmp_path / "s", "a", "m1", "--by", "Ana").exit_code == 0
    out = tmp_path / "captures.csv"
    done = run("genetics", "history", tmp_path / "s", "--days", "7", "--out", out, "--json")
    found = strict(done.stdout)
    assert found["first_day"] == "2026-01-01" and found["occasions"] == 2
    assert ["D1", 1, "A4", 1] in found["captures"] and ["D1", 2, "B4", 1] in found["captures"]
    assert found["left_out"] == [["d", "no animal"]]
    assert out.read_text().splitlines()[0] == "session,ID,occasion,detector,count"


def test_a_survey_without_samples_says_so(tmp_path):
    with photographed(tmp_path / "s"):
        pass
    with pytest.raises(InputError, match="no samples"):
        identify_samples(tmp_path / "s")
