"""Are the numbers for programs those of the portrait, and the same in every language?"""

from __future__ import annotations

import csv
import json
import re
from dataclasses import asdict
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from ghostcat.language import LANGUAGES, wording
from ghostcat.report.tables import CSV_NAMES, portrait_numbers


def rows(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def tables(reports):
    return {path.name: rows(path) for path in reports["rich", "en"].csv}


def test_json_says_what_the_portrait_says(reports, samples):
    portrait = samples.rich_portrait()
    numbers = json.loads(reports["rich", "en"].json.read_text("utf-8"))
    for name in ("abundance", "realised", "density_per_100km2", "sigma_m", "lambda0"):
        assert numbers["estimate"][name] == asdict(getattr(portrait.estimate, name))
    for name in ("animals", "recaptures", "effective_area_km2", "log_likelihood", "region_area_km2"):
        assert numbers["estimate"][name] == getattr(portrait.estimate, name)
    assert numbers["minimum_count"] == {
        "count": portrait.minimum_count,
        "rule": portrait.minimum_count_rule,
        "is_estimate": False,
    }
    assert numbers["synthetic"] is True
    assert numbers["refusal"] is None
    assert numbers["effort"]["camera_days"] == portrait.effort.camera_days
    assert len(numbers["catalogue"]) == len(portrait.catalogue)
    assert numbers["catalogue"][0]["sightings"][0][0] == portrait.catalogue[0].sightings[0][0]
    assert numbers["provenance"] == dict(portrait.provenance)


def test_json_of_a_refusal_has_no_estimate(reports):
    numbers = json.loads(reports["refused", "en"].json.read_text("utf-8"))
    assert numbers["estimate"] is None
    assert numbers["refusal"]["code"] == "no_spatial_recaptures"


def test_what_was_not_sampled_has_no_count(reports, tables):
    idle = [row for row in tables["stations.csv"] if row["sampled"] == "no"]
    assert [row["station_id"] for row in idle] == ["K12", "K23"]
    assert {row["passes"] for row in idle} == {row["individuals"] for row in idle} == {""}
    lines = json.loads(reports["rich", "en"].json.read_text("utf-8"))["effort"]["station_lines"]
    assert [line["passes"] for line in lines if not line["sampled"]] == [None, None]


def test_csv_files_hold_every_row_at_full_precision(reports, tables, samples):
    portrait = samples.rich_portrait()
    assert tuple(path.name for path in reports["rich", "en"].csv) == CSV_NAMES
    assert [row["individual_id"] for row in tables["catalogue.csv"]] == [
        e.individual_id for e in portrait.catalogue
    ]
    assert len(tables["sightings.csv"]) == sum(e.passes for e in portrait.catalogue)
    assert len(tables["left_out.csv"]) == len(portrait.left_out)
    density = np.array([float(row["animals_per_100km2"]) for row in tables["density.csv"]])
    assert np.array_equal(density, portrait.estimate.surface.per_100km2)
    assert [float(row["lat"]) for row in tables["stations.csv"]] == [
        line.lat for line in portrait.effort.lines
    ]
    for table in tables.values():
        assert {row["synthetic"] for row in table} == {"yes"}


def test_a_spreadsheet_runs_no_name(reports):
    names = [row["name"] for row in rows(reports["hostile", "en"].csv[0])]
    assert "'=HYPERLINK(1)" in names
    assert not [name for name in names if name.startswith(("=", "+", "-", "@"))]


@pytest.mark.parametrize("kind", ["rich", "refused", "empty", "hostile"])
def test_tables_do_not_depend_on_the_language(samples, reports, kind):
    # One folder holds the reports of all languages; the tables are those of any of them.
    assert len({reports[kind, lang].json for lang in LANGUAGES}) == 1
    assert json.loads(reports[kind, "en"].json.read_text("utf-8")) == json.loads(
        json.dumps(portrait_numbers(getattr(samples, f"{kind}_portrait")()))
    )


NUMBERS = re.compile(r"−?\d(?:[\d.,\u00a0\u202f]*\d)?")


def plain(text: str, lang: str) -> list[str]:
    """Numbers of a text with a point for decimals and nothing between thousands."""
    found = NUMBERS.findall(text)
    if lang == "ru":
        return [re.sub(r"[\u00a0\u202f]", "", number).replace(",", ".") for number in found]
    return [number.replace(",", "") for number in found]


@pytest.mark.parametrize("lang", ["ru", "zh"])
def test_numbers_are_the_same_in_all_languages(reports, read_page, lang):
    def shown(page, lang):
        nodes = [
            node
            for node in page.nodes
            if node.classes & {"value", "range", "n"}
            or (node.tag == "dd" and "note" not in node.classes)
            or (node.tag == "td" and node.inside("numbers"))
            or (
                node.tag == "text"
                and (node.inside("interval") or node.inside("detection") or node.inside("map"))
            )
        ]
        return [plain("".join(node.text), lang) for node in nodes]

    english = shown(read_page(reports["rich", "en"].html), "en")
    assert sum(map(len, english)) > 100
    assert shown(read_page(reports["rich", lang].html), lang) == english


def test_numbers_are_dressed_as_readers_expect():
    assert wording("en").number(12345.678, 1) == "12,345.7"
    assert wording("ru").number(12345.678, 1) == "12\u00a0345,7"
    assert wording("zh").number(12345.678, 1) == "12,345.7"
    assert wording("en").number(-0.5, 1) == "−0.5"
    assert wording("en").number(float("nan")) == "–"


def test_the_animal_is_cut_out_of_its_photo(samples):
    from ghostcat.report.crops import flank_pictures

    photo = np.zeros((1000, 2000, 3), dtype=np.uint8)
    photo[400:600, 900:1200] = (200, 150, 90)
    snapshot = samples.rich_portrait(animals=2).snapshot
    (media_id, flank), *_ = snapshot.flanks.items()
    object.__setattr__(flank, "box", (0.45, 0.4, 0.15, 0.2))
    picture = flank_pictures([media_id, "unknown"], snapshot, lambda name: {media_id: photo}[name])
    assert picture["unknown"] is None
    import base64

    cut = Image.open(BytesIO(base64.b64decode(picture[media_id].address.split(",")[1])))
    assert cut.size == (picture[media_id].width, picture[media_id].height)
    assert abs(cut.width / cut.height - 1.5) < 0.02
    assert np.asarray(cut).mean() > 90
