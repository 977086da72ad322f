"""kill −9 at fifty random moments of an import, and of an identification: nothing missing, nothing twice."""

import csv
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import ghostcat

MOMENTS = 50
PHOTOS = 4

WORK = {
    "import": "ghostcat.import_evidence(survey, package, processes=1)",
    "identify": "ghostcat.identify(survey, processes=1)",
}


@pytest.fixture(scope="module")
def few_photos(tiny_package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The package with one photo a camera and pass, all of the animal that was seen most: enough to join."""
    folder = tmp_path_factory.mktemp("few") / "few"
    shutil.copytree(tiny_package, folder)
    truth = list(csv.DictReader((folder / "truth" / "truth.csv").read_text("utf-8").splitlines()))
    usable = [row for row in truth if row["usable_flank"] == "1"]
    animals = [row["animal"] for row in usable]
    most = max(sorted(set(animals)), key=animals.count)
    first_of_pass = {
        (row["pass_id"], row["camera"]): row["media_id"] for row in reversed(usable) if row["animal"] == most
    }
    kept = set(sorted(first_of_pass.values())[:PHOTOS])
    for name in ("media.csv", "observations.csv"):
        with (folder / name).open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        with (folder / name).open("w", encoding="utf-8", newline="") as file:
            table = csv.DictWriter(file, rows[0].keys())
            table.writeheader()
            table.writerows(row for row in rows if row["mediaID"] in kept)
    return folder


def work(kind: str, survey: Path, package: Path) -> None:
    if kind == "import":
        ghostcat.import_evidence(survey, package, processes=1)
    else:
        ghostcat.identify(survey, processes=1)


def child(kind: str, survey: Path, package: Path) -> subprocess.Popen[bytes]:
    code = f"""
import ghostcat, ghostcat.workflows.identifying, ghostcat.workflows.importing
survey, package = {str(survey)!r}, {str(package)!r}
print('go', flush=True)
{WORK[kind]}"""
    started = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert started.stdout is not None
    with started.stdout as said:
        assert said.readline() == b"go\n"
    return started


def state(folder: Path) -> dict[str, object]:
    """Everything that an undisturbed run leaves behind, except when and in how many runs."""
    with ghostcat.open(folder) as survey:
        seen = survey.snapshot()
        said = [
            (d.kind, d.actor, d.media_a, d.side_a, d.media_b, d.side_b, d.confidence) for d in seen.decisions
        ]
        return {
            "media": dict(seen.media),
            "flanks": dict(seen.flanks),
            "encounters": dict(seen.encounters),
            "individuals": dict(seen.individuals),
            "decisions": said,
            "running": survey.jobs(only_open=True),
            "findings": [f.code for f in ghostcat.check(survey)],
        }


def faults(folder: Path) -> set[str]:
    """What `check` complains about; that photos are still to be read is a note."""
    with ghostcat.open(folder) as survey:
        return {f.code for f in ghostcat.check(survey) if f.severity != "note"}


def prepared(kind: str, package: Path, folder: Path) -> None:
    """A survey as it is just before the work that will be killed."""
    with ghostcat.new(folder, name="killed") as survey:
        if kind == "identify":
            ghostcat.import_evidence(survey, package, processes=1)


@pytest.fixture(scope="module", params=WORK)
def undisturbed(request, tiny_package, few_photos, tmp_path_factory):
    """Kind of work, package, survey before; what the work leaves behind unless killed; how long it takes."""
    kind: str = request.param
    package = tiny_package if kind == "import" else few_photos
    before = tmp_path_factory.mktemp("before") / kind
    prepared(kind, package, before)
    folder = Path(shutil.copytree(before, before.with_name("undisturbed")))
    process = child(kind, folder, package)
    began = time.perf_counter()
    assert process.wait(timeout=300) == 0
    duration = time.perf_counter() - began
    expected = state(folder)
    assert len(expected["media"]) >= PHOTOS and not expected["running"]
    assert kind == "import" or expected["decisions"]
    return kind, package, before, expected, duration


@pytest.mark.parametrize("moment", range(MOMENTS))
def test_killed_at_any_moment(undisturbed, moment, tmp_path):
    kind, package, before, expected, duration = undisturbed
    folder = Path(shutil.copytree(before, tmp_path / "killed.ghostcat"))
    process = child(kind, folder, package)
    # One random moment in each fiftieth of the work, so that all of it is hit.
    time.sleep(duration * (moment + random.Random(f"{kind} {moment}").random()) / MOMENTS)
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=60)
    assert faults(folder) <= set(expected["findings"])
    work(kind, folder, package)
    assert state(folder) == expected


def test_a_job_killed_between_its_last_batch_and_its_end_is_closed(undisturbed, tmp_path):
    kind, package, before, expected, _ = undisturbed
    folder = Path(shutil.copytree(before, tmp_path / "done.ghostcat"))
    work(kind, folder, package)
    with ghostcat.open(folder) as survey:
        own = [job for job in survey.jobs() if (job.kind == "read photos") == (kind == "import")]
        for job in own:
            survey.start_job(job.kind, job.key, job.total)
        assert survey.jobs(only_open=True)
        survey.put_result("identification", "none", {"run": "", "questions": []}, {})
    work(kind, folder, package)
    assert state(folder)["running"] == expected["running"] == []
