"""kill −9 at fifty random moments of an import and of an identification: nothing missing, nothing twice."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import ghostcat

MOMENTS = 25  # of each of the two kinds of work

WORK = {
    "import": "ghostcat.import_evidence(survey, package, processes=1)",
    "identify": "ghostcat.identify(survey, processes=1)",
}


def child(kind: str, survey: Path, package: Path) -> subprocess.Popen[bytes]:
    code = f"""
import ghostcat
survey, package = {str(survey)!r}, {str(package)!r}
print('go', flush=True)
{WORK[kind]}"""
    started = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert started.stdout is not None and started.stdout.readline() == b"go\n"
    return started


def state(folder: Path) -> dict[str, object]:
    """Everything that an undisturbed run leaves behind, except when and in how many runs."""
    with ghostcat.open(folder) as survey:
        seen = survey.snapshot()
        compared = [
            (d.kind, d.actor, d.media_a, d.side_a, d.media_b, d.side_b, d.confidence) for d in seen.decisions
        ]
        return {
            "media": dict(seen.media),
            "flanks": dict(seen.flanks),
            "encounters": dict(seen.encounters),
            "individuals": dict(seen.individuals),
            "decisions": compared,
            "running": survey.jobs(only_open=True),
        }


def errors(folder: Path) -> list[str]:
    with ghostcat.open(folder) as survey:
        return [f.code for f in ghostcat.check(survey) if f.severity == "error"]


@pytest.fixture(scope="module")
def imported(tiny_package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kill") / "imported.ghostcat"
    with ghostcat.new(folder) as survey:
        ghostcat.import_evidence(survey, tiny_package, processes=1)
    return folder


def prepared(kind: str, imported: Path, folder: Path) -> None:
    """The survey as it is just before the work that will be killed."""
    import shutil

    if kind == "import":
        ghostcat.new(folder, name="killed").close()
    else:
        shutil.copytree(imported, folder)


@pytest.mark.parametrize("kind", WORK)
def test_killed_at_any_moment(kind, tiny_package, imported, tmp_path):
    undisturbed = tmp_path / "undisturbed.ghostcat"
    prepared(kind, imported, undisturbed)
    began = time.perf_counter()
    assert child(kind, undisturbed, tiny_package).wait(timeout=300) == 0
    duration = time.perf_counter() - began
    expected = state(undisturbed)
    assert expected["media"] and not expected["running"]

    moments = random.Random(f"{kind} 20260101")
    hit = 0
    for moment in range(MOMENTS):
        folder = tmp_path / f"killed-{moment}.ghostcat"
        prepared(kind, imported, folder)
        work = child(kind, folder, tiny_package)
        time.sleep(moments.uniform(0, duration))
        work.send_signal(signal.SIGKILL)
        hit += work.wait(timeout=60) == -signal.SIGKILL
        assert errors(folder) == []
        assert child(kind, folder, tiny_package).wait(timeout=300) == 0
        assert state(folder) == expected
    assert hit >= MOMENTS // 2, "most of the kills must have hit the work while it ran"
