"""Find out who is who: read flanks, compare them, decide what is sure, and queue what is not.

Nothing here overwrites a person: decisions of people and laboratories bind the engine, and what the
engine decides is appended to the same log with its name, its run and its probability.
"""

from __future__ import annotations

import getpass
import hashlib
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ghostcat.errors import DecisionError
from ghostcat.portrait import CatalogueEntry, catalogue
from ghostcat.survey import Survey
from ghostcat.survey.decisions import latest_run, standing
from ghostcat.survey.evidence import Decision, Flank, Snapshot
from ghostcat.workflows.flank_matching import match_flanks
from ghostcat.workflows.flank_reading import (
    drawn_boxes,
    engine_name,
    features_path,
    probability_right,
    read_flanks,
)
from ghostcat.workflows.opening import open
from ghostcat.workflows.progress import Progress, silent

if TYPE_CHECKING:
    from ghostcat.identity import Judgement, Outcome, Sighting

__all__ = [
    "IdentifyReport",
    "PairQuestion",
    "draw_question",
    "identify",
    "individuals",
    "name_individual",
    "questions",
    "sightings_of",
]

RESULT = "identification"


@dataclass(frozen=True, kw_only=True)
class PairQuestion:
    """Two photos that a person should compare, and what the answer is worth.

    `value` is the expected change of the number of animals.
    """

    photo_a: str
    photo_b: str
    flank: Literal["left", "right"]
    probability: float
    value: float
    score: float


@dataclass(frozen=True, kw_only=True)
class IdentifyReport:
    """What an identification did and left open."""

    engine: str
    run: str
    photos_read: int
    usable: int
    """Photos with a flank that could be compared."""
    individuals: int
    """Animals that count (see the rule of the minimum count)."""
    unresolved: int
    """Half-identities of which nobody has said who they are."""
    questions: int
    missing_models: tuple[str, ...]


def identify(
    survey: str | Path | Survey, *, processes: int | None = None, progress: Progress = silent
) -> IdentifyReport:
    """Read what is new, compare it with everything, and decide.

    Killed at any moment, the next call goes on where this one stopped and comes to the same result.
    """
    from ghostcat.identity import load_models

    survey = open(survey)
    engine = engine_name()
    photos_read = read_flanks(survey, survey.snapshot(), processes=processes, progress=progress)
    run = _decide(survey, engine, processes=processes, progress=progress)
    snapshot, identities = survey.snapshot(), survey.identities()
    return IdentifyReport(
        engine=engine,
        run=run,
        photos_read=photos_read,
        usable=sum(flank.usable for flank in snapshot.flanks.values()),
        individuals=sum(animal.counted for animal in identities.individuals.values()),
        unresolved=len(identities.unresolved),
        questions=len(questions(survey)),
        missing_models=load_models().missing,
    )


def questions(survey: str | Path | Survey) -> list[PairQuestion]:
    """Pairs that wait for a person, most valuable first; answered and settled ones are left out."""
    survey = open(survey)
    found = survey.result(RESULT)
    if found is None:
        return []
    snapshot = survey.snapshot()
    encounter = {photo: e.id for e in snapshot.encounters.values() for photo in e.media_ids}
    animal = {e: i.id for i in snapshot.individuals.values() for e in i.encounter_ids}
    answered = {
        frozenset((encounter.get(d.media_a), encounter.get(d.media_b)))
        for d in standing(snapshot.decisions)
        if d.actor_kind != "model" and d.kind in ("same", "different", "not_comparable", "unsure")
    }
    listed = found.payload["questions"]
    assert isinstance(listed, list)
    waiting = []
    for row in listed:
        question = PairQuestion(**row)
        pair = encounter.get(question.photo_a), encounter.get(question.photo_b)
        one, other = animal.get(pair[0] or ""), animal.get(pair[1] or "")
        if None not in pair and frozenset(pair) not in answered and (one is None or one != other):
            waiting.append(question)
    return waiting


def draw_question(survey: Survey, question: PairQuestion, *, path: str | Path | None = None) -> Path:
    """Draw a pair side by side with its matched spots; returns the JPEG's path."""
    from PIL import Image

    from ghostcat.identity import draw_match, load_features, score_pair
    from ghostcat.photos import load_rgb

    snapshot = survey.snapshot()
    boxes = drawn_boxes(snapshot)
    media = [snapshot.media[photo] for photo in (question.photo_a, question.photo_b)]
    one, other = (load_features(features_path(survey, m, boxes.get(m.id), engine_name())) for m in media)
    rgb, other_rgb = (load_rgb(survey.photo_path(m)) for m in media)
    drawn = draw_match(rgb, other_rgb, one, other, score_pair(one, other))
    digest = hashlib.sha256(f"{question.photo_a}|{question.photo_b}".encode()).hexdigest()
    target = survey.derived_path("pairs", digest, ".jpg") if path is None else Path(path)
    Image.fromarray(drawn).save(target, "JPEG", quality=90)
    return target


def individuals(survey: str | Path | Survey) -> tuple[CatalogueEntry, ...]:
    """The animals of a survey as it stands, those seen most first."""
    return catalogue(open(survey).snapshot())


def name_individual(
    survey: str | Path | Survey, individual: str, name: str, *, by: str | None = None
) -> None:
    """Call an animal by a name, for example `Leo 133F`.

    Parameters
    ----------
    individual : its id (`G007`) or the name it has.
    by : for the decision log; the login name by default.

    Raises
    ------
    DecisionError : there is no such animal, or another one has this name.
    """
    survey = open(survey)
    for animal in survey.snapshot().individuals.values():
        if individual in (animal.id, animal.name):
            side: Literal["left", "right"] = "left" if animal.left_media else "right"
            photo = (animal.left_media or animal.right_media)[0]
            who = by or getpass.getuser()
            survey.append(
                [
                    Decision(
                        kind="name", actor=who, actor_kind="person", media_a=photo, side_a=side, value=name
                    )
                ]
            )
            return
    raise DecisionError(f"there is no animal {individual!r}", fix="ghostcat individuals lists them.")


def _decide(survey: Survey, engine: str, *, processes: int | None, progress: Progress) -> str:
    """Compare and decide, unless that has been done for just this evidence; returns the run."""
    from ghostcat.identity import decide_identities, photos_to_compare

    snapshot = survey.snapshot()
    readings = survey.flanks(engine)
    sightings = sightings_of(snapshot, readings)
    judgements = _judgements(snapshot)
    run = _run_name(engine, sightings, judgements)
    last = survey.result(RESULT)
    if last is not None and last.payload["run"] == run:
        return run
    compared = photos_to_compare(sightings)
    home = {s.photo: s.encounter for s in sightings}
    boxes = drawn_boxes(snapshot)
    paths = [features_path(survey, snapshot.media[p], boxes.get(p), engine) for p in compared]
    real, decoys = match_flanks(
        survey,
        engine,
        compared,
        passes=[home[p] for p in compared],
        features=paths,
        processes=processes,
        progress=progress,
    )
    outcome = decide_identities(sightings, real, decoys, judgements=judgements)
    survey.put_flanks(f"{engine} settled", _settled(readings, outcome))
    _append(survey, outcome, engine=engine, run=run)
    survey.set_setting("identification_engine", engine)
    survey.put_result(
        RESULT,
        engine,
        {
            "run": run,
            "questions": [asdict(question) for question in outcome.questions],
            "calibration": asdict(outcome.calibration),
            "accept": outcome.accept,
        },
        {"engine": engine, "sightings": len(sightings), "compared": len(real), "decoys": len(decoys)},
        fingerprint=survey.fingerprint(),
    )
    return run


def sightings_of(snapshot: Snapshot, readings: dict[str, Flank]) -> list[Sighting]:
    """The usable photos of a survey as the identity room takes them, with what people said of sides."""
    from pyproj import Transformer

    from ghostcat.identity import Sighting
    from ghostcat.survey.history import utm_crs

    stations = snapshot.stations
    place: dict[str, tuple[float, float]] = {}
    if stations:
        crs = utm_crs([s.lon for s in stations.values()], [s.lat for s in stations.values()])
        metres = Transformer.from_crs("EPSG:4326", crs, always_xy=True)
        place = {s.id: metres.transform(s.lon, s.lat) for s in stations.values()}
    labelled: dict[str, str] = {d.media_id: d.flank for d in snapshot.detections}
    labelled |= {d.media_a: d.value for d in standing(snapshot.decisions) if d.kind == "flank"}
    sightings = []
    for encounter in snapshot.encounters.values():
        for photo in encounter.media_ids:
            flank = readings.get(photo)
            if flank is None or not flank.usable or flank.box is None:
                continue
            media = snapshot.media[photo]
            deployment = snapshot.deployments[media.deployment_id]
            side = labelled.get(photo, "unknown")
            sightings.append(
                Sighting(
                    photo=photo,
                    encounter=encounter.id,
                    camera=deployment.id,
                    station=encounter.station_id,
                    slot=deployment.slot,
                    time_s=None if media.time is None else media.time.timestamp(),
                    right=probability_right(flank),
                    labelled="left" if side == "left" else "right" if side == "right" else "unknown",
                    quality=flank.quality,
                    east_m=place[encounter.station_id][0],
                    north_m=place[encounter.station_id][1],
                )
            )
    return sorted(sightings, key=lambda s: s.photo)


def _judgements(snapshot: Snapshot) -> list[Judgement]:
    from ghostcat.identity import Judgement

    return [
        Judgement(photo_a=d.media_a, photo_b=d.media_b, same=d.kind == "same")
        for d in standing(snapshot.decisions)
        if d.actor_kind != "model" and d.kind in ("same", "different")
    ]


def _run_name(engine: str, sightings: list[Sighting], judgements: list[Judgement]) -> str:
    """Names everything that the decision depends on, so that the same question is not answered twice."""
    document = json.dumps([engine, [asdict(s) for s in sightings], [asdict(j) for j in judgements]])
    return f"{engine} {hashlib.sha256(document.encode()).hexdigest()[:16]}"


def _settled(readings: dict[str, Flank], outcome: Outcome) -> list[Flank]:
    settled = []
    for photo, flank in sorted(readings.items()):
        if photo in outcome.sides:
            side, probability = outcome.sides[photo]
            flank = replace(flank, side=side, side_probability=probability)
        settled.append(flank)
    return settled


def _append(survey: Survey, outcome: Outcome, *, engine: str, run: str) -> None:
    """Append the run's decisions in one transaction, unless they are there already."""
    newest = [d for d in latest_run(standing(survey.decisions())) if d.actor_kind == "model"]
    if newest and newest[-1].shown.get("run") == run:
        return
    same = [
        Decision(
            kind="same",
            actor=engine,
            actor_kind="model",
            media_a=link.photo_a,
            side_a=link.flank,
            media_b=link.photo_b,
            side_b=link.flank,
            confidence=link.probability,
            shown={"run": run, "score": link.score, "accept": outcome.accept},
        )
        for link in outcome.links
    ]
    new = [
        Decision(
            kind="new",
            actor=engine,
            actor_kind="model",
            media_a=node.photo,
            side_a=node.flank,
            confidence=node.probability,
            shown={"run": run},
        )
        for node in outcome.nodes
        if node.state == "new"
    ]
    survey.append([*same, *new])
