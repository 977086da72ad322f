"""Every command, as a person or a program calls it, on a small synthetic survey."""

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def ghostcat(*arguments: object, code: int = 0, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "ghostcat", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        timeout=300,
    )
    assert done.returncode == code, done.stderr + done.stdout
    assert "Traceback" not in done.stderr
    return done


def as_json(*arguments: object, code: int = 0) -> dict:
    return json.loads(ghostcat(*arguments, "--json", code=code).stdout)


def test_help_names_every_command_and_every_command_has_help():
    listed = ghostcat("--help").stdout
    for name in [
        "new",
        "import",
        "check",
        "identify",
        "review",
        "individuals",
        "estimate",
        "report",
        "portrait",
        "export",
        "demo",
    ]:
        assert f"  {name} " in listed
        assert len(ghostcat(name, "--help").stdout) > 200


def test_from_nothing_to_a_checked_survey(tiny_package, tmp_path):
    survey = tmp_path / "two words.ghostcat"
    assert as_json("new", survey)["name"] == "two words"
    first = as_json("import", survey, tiny_package)
    assert first["photos_read"] == first["photos_by_state"]["ok"] > 20
    again = as_json("import", survey, tiny_package)
    assert again["photos_read"] == 0 and not any(again["added"]["added"].values())
    found = as_json("check", survey)["findings"]
    assert not [f for f in found if f["severity"] == "error"]


def test_a_second_survey_does_not_overwrite_the_first(survey_copy):
    assert "ghostcat:" in ghostcat("new", survey_copy, code=1).stderr


def test_individuals_and_naming(survey_copy):
    animals = as_json("individuals", survey_copy)["individuals"]
    assert animals and all(a["left_photo"] or a["right_photo"] for a in animals)
    target = animals[0]["individual_id"]
    named = as_json("individuals", survey_copy, "--name", target, "Лео 133F", "--by", "Ольга")
    assert named["individuals"][0]["name"] == "Лео 133F"
    refused = ghostcat("individuals", survey_copy, "--name", animals[1]["individual_id"], "Лео 133F", code=1)
    assert "Лео 133F" in refused.stderr
    assert "G999" in ghostcat("individuals", survey_copy, "--name", "G999", "x", code=1).stderr


def test_the_animals_are_those_of_the_truth(identified, tiny_package):
    rows = csv.DictReader((tiny_package / "truth" / "truth.csv").read_text(encoding="utf-8").splitlines())
    truth = {row["media_id"]: row["animal"] for row in rows if row["usable_flank"] == "1"}
    import ghostcat as gc

    with gc.open(identified) as survey:
        snapshot = survey.snapshot()
    found: dict[str, set[str]] = {}
    for individual in snapshot.individuals.values():
        photos = (*individual.left_media, *individual.right_media)
        found[individual.id] = {truth[p] for p in photos if p in truth}
    assert all(len(animals) == 1 for animals in found.values()), "no two animals under one name"
    assert set.union(*found.values()) == set(truth.values()), "no animal missed"


def test_estimate_or_refusal_with_its_exit_code(identified):
    done = subprocess.run(
        [sys.executable, "-m", "ghostcat", "estimate", str(identified), "--json"],
        capture_output=True,
        encoding="utf-8",
    )
    answer = json.loads(done.stdout)
    if done.returncode == 2:
        assert answer["refused"] and answer["code"] and "No estimate" in done.stderr
    else:
        assert done.returncode == 0
        assert answer["abundance"]["lower"] < answer["abundance"]["estimate"] < answer["abundance"]["upper"]


SECR_TRAPS = "session,detector,name,x,y,o1\n" + "".join(
    f"s,{1 + 6 * row + column},K{row}{column},{500000 + 3000 * column},{4700000 + 3000 * row},60\n"
    for row in range(6)
    for column in range(6)
)
#: animal → stations at which it was photographed, each on a 3 km grid of six by six
SEEN = {"a": (8, 8, 9), "b": (15, 16, 22), "c": (29, 29, 28), "d": (11, 12), "e": (20, 26, 20), "f": (34,)}
SECR_CAPTURES = "session,ID,occasion,detector,alive\n" + "".join(
    f"s,{animal},1,{station},1\n" for animal, stations in SEEN.items() for station in stations
)


@pytest.fixture
def secr_tables(tmp_path: Path) -> Path:
    (tmp_path / "hills.captures.csv").write_text(SECR_CAPTURES, encoding="utf-8")
    (tmp_path / "hills.traps.csv").write_text(SECR_TRAPS, encoding="utf-8")
    return tmp_path / "hills"


def test_estimate_from_secr_tables(secr_tables):
    answer = as_json("estimate", secr_tables)
    assert answer["animals"] == 6 and answer["detections"] == 15
    assert answer["density_per_100km2"]["lower"] > 0
    files = as_json(
        "estimate", secr_tables.parent,
        "--captures", f"{secr_tables}.captures.csv", "--traps", f"{secr_tables}.traps.csv",
    )  # fmt: skip
    assert files["log_likelihood"] == answer["log_likelihood"]


def test_one_animal_is_refused_with_a_reason(secr_tables):
    lines = SECR_CAPTURES.splitlines()[:4]
    Path(f"{secr_tables}.captures.csv").write_text("\n".join(lines), encoding="utf-8")
    assert as_json("estimate", secr_tables, code=2)["code"] == "one_animal"


def test_report_in_three_languages(identified, tmp_path):
    for lang in ("en", "ru", "zh"):
        answer = as_json("report", identified, "--folder", tmp_path, "--lang", lang)
        page = Path(answer["report"]).read_text(encoding="utf-8")
        assert f'lang="{lang}' in page
        assert {"en": "SYNTHETIC", "ru": "ИСКУССТВЕННЫЕ ДАННЫЕ", "zh": "模拟数据"}[lang] in page


def test_portrait_of_a_survey_has_the_agreed_keys(survey_copy, tiny_package):
    region = tiny_package / "field_tables" / "habitat_mask.csv"
    answer = as_json("portrait", survey_copy, "--region", region)
    for key in (
        "individuals", "minimum_count", "abundance", "density_per_100km2", "sigma_m", "lambda0",
        "report", "warnings",
    ):  # fmt: skip
        assert key in answer
    assert answer["individuals"] >= 3 and answer["synthetic"]
    assert Path(answer["report"]).exists()


def test_two_packages_of_one_name_are_not_mixed(identified, tiny_package, tmp_path):
    """The survey beside a package is found by name; another package of that name must not slip into it."""
    import ghostcat as gc
    from ghostcat.errors import SurveyExists
    from ghostcat.workflows.opening import survey_beside

    with survey_beside(tiny_package, beside=tmp_path) as survey:
        gc.import_evidence(survey, tiny_package, processes=1)
    survey_beside(tiny_package, beside=tmp_path).close()
    other = tmp_path / "elsewhere" / tiny_package.name
    shutil.copytree(tiny_package, other)
    with pytest.raises(SurveyExists, match="--out"):
        survey_beside(other, beside=tmp_path)


@pytest.mark.parametrize("to", ["camtrap-dp", "secr", "camtrapr", "csv", "geopackage"])
def test_export(identified, tmp_path, to):
    written = Path(as_json("export", identified, tmp_path / "out", "--format", to)["written"])
    assert written.exists()
    if to == "csv":
        assert (written / "individuals.csv").exists()


def test_export_comes_back_as_the_same_survey(identified, tmp_path):
    package = as_json("export", identified, tmp_path / "package", "--copy-photos")["written"]
    back = tmp_path / "back.ghostcat"
    ghostcat("new", back)
    report = as_json("import", back, package)
    import ghostcat as gc

    with gc.open(identified) as before, gc.open(back) as after:
        one, other = before.snapshot(), after.snapshot()
    assert report["photos_by_state"] == {"ok": len(one.media)}
    assert one.media.keys() == other.media.keys()
    assert {m.sha256 for m in one.media.values()} == {m.sha256 for m in other.media.values()}
    assert one.encounters.keys() == other.encounters.keys()
    assert other.synthetic


def test_review_takes_answers_and_takes_them_back(survey_copy):
    """A question is put in by hand where identification left none, so that there is one to answer."""
    import ghostcat as gc

    with gc.open(survey_copy) as survey:
        snapshot = survey.snapshot()
        found = survey.result("identification")
        seen = sorted(snapshot.individuals.values(), key=lambda i: i.id)
        one, other = [i for i in seen if i.left_media][:2]
        question = {
            "photo_a": one.left_media[0], "photo_b": other.left_media[0], "flank": "left",
            "probability": 0.4, "value": 0.5, "score": 1.0,
        }  # fmt: skip
        survey.put_result("identification", found.key, {**found.payload, "questions": [question]}, {})
        before = len(snapshot.individuals)

    assert len(as_json("review", survey_copy)["questions"]) == 1
    done = ghostcat("review", survey_copy, "--no-show", "--reviewer", "Ana", stdin="c\n")
    assert "1 answers kept" in done.stdout
    with gc.open(survey_copy) as survey:
        decision = survey.decisions()[-1]
        assert (decision.kind, decision.actor, decision.actor_kind) == ("unsure", "Ana", "person")
        gc.review(survey, reviewer="Ana").undo()
    ghostcat("review", survey_copy, "--no-show", "--reviewer", "Ana", stdin="s\n")
    with gc.open(survey_copy) as survey:
        assert len(survey.snapshot().individuals) == before - 1
        sitting = gc.review(survey, reviewer="Ana")
        assert sitting.undo().kind == "same"
        assert len(survey.snapshot().individuals) == before
        picture = sitting.picture(sitting.waiting()[0])
        assert picture.stat().st_size > 10_000


def test_identifying_again_changes_nothing_and_a_person_binds(survey_copy):
    import ghostcat as gc

    with gc.open(survey_copy) as survey:
        log = survey.decisions()
        assert gc.identify(survey, processes=1).photos_read == 0
        assert survey.decisions() == log
        animals = survey.snapshot().individuals
        pair = next(i for i in animals.values() if len(i.left_media) > 1 and len(i.encounter_ids) > 1)
        home = {p: e.id for e in survey.snapshot().encounters.values() for p in e.media_ids}
        a = pair.left_media[0]
        b = next(p for p in pair.left_media if home[p] != home[a])
        from ghostcat.survey.evidence import Decision

        survey.append(
            [
                Decision(
                    kind="different", actor="Ana", actor_kind="person",
                    media_a=a, side_a="left", media_b=b, side_b="left",
                )
            ]
        )  # fmt: skip
        gc.identify(survey, processes=1)
        owner = {e: i.id for i in survey.snapshot().individuals.values() for e in i.encounter_ids}
        assert owner.get(home[a]) != owner.get(home[b]) or owner.get(home[a]) is None


def test_decisions_merge_split_correct_and_are_undone(survey_copy):
    import ghostcat as gc

    def animals() -> dict:
        return {a["individual_id"]: a for a in as_json("individuals", survey_copy)["individuals"]}

    before = animals()
    one, other = sorted(before)[:2]
    merged = as_json("decide", survey_copy, "same", one, other, "--by", "Ольга")["decision"]
    assert len(animals()) == len(before) - 1
    ghostcat("decide", survey_copy, "undo", merged)
    assert animals() == before

    as_json("decide", survey_copy, "sex", one, "female")
    assert animals()[one]["sex"] == "female"

    with gc.open(survey_copy) as survey:
        media = min(survey.snapshot().media.values(), key=lambda m: m.id)
        as_json("decide", survey_copy, "clock", media.deployment_id, "3600")
        later = survey.snapshot().media[media.id]
        assert (later.time - media.time).total_seconds() == 3600
        assert later.camera_time == media.camera_time
        photo = before[one]["left_photo"] or before[one]["right_photo"]
        as_json("decide", survey_copy, "usable", photo, "no: two animals")
        assert survey.snapshot().flanks[photo].reason == "two animals"
        as_json("decide", survey_copy, "exclude", photo, "a zoo animal")
        assert survey.decisions()[-1].value == "a zoo animal"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("import", "{survey}", "{tmp}/nothing-here"), "nothing here"),
        (("check", "{tmp}"), "survey"),
        (("identify", "{tmp}/absent.ghostcat"), "no such folder"),
        (("estimate", "{tmp}/absent"), "absent"),
        (("export", "{survey}", "{survey}"), "already"),
        (("decide", "{survey}", "same", "G001", "G999"), "G999"),
        (("decide", "{survey}", "undo", "last"), "number"),
        (("decide", "{survey}", "clock", "nowhere", "60"), "nowhere"),
        (("portrait", "{survey}", "--region", "{tmp}/none.geojson"), "none.geojson"),
    ],
)
def test_mistakes_get_one_line_that_helps(survey_copy, tmp_path, arguments, says):
    filled = [a.format(survey=survey_copy, tmp=tmp_path) for a in arguments]
    stderr = ghostcat(*filled, code=1).stderr
    assert stderr.startswith("ghostcat: ") and says in stderr


def test_a_studbook_with_an_error_fails_its_check(tmp_path):
    table = tmp_path / "studbook.csv"
    table.write_text("id,dam,sire\nA,,\nB,A,B\n", encoding="utf-8")
    found = json.loads(ghostcat("pedigree", "check", table, "--json", code=1).stdout)
    assert found["errors"] >= 1
    table.write_text("id,dam,sire\nA,,\nC,,\nB,A,C\n", encoding="utf-8")
    ghostcat("pedigree", "check", table)
