"""A writer that is killed at any moment leaves a whole survey behind."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

from ghostcat.survey import open_survey

WRITER = """
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from ghostcat.errors import SurveyExists
from ghostcat.survey import PhotoRecord, create_survey, open_survey
from ghostcat.survey.evidence import Decision, Deployment, Evidence, Flank, Media, Source, Station

folder = Path(sys.argv[1])
start = datetime(2025, 4, 1, tzinfo=UTC)

def step():
    print("step", flush=True)

step()
try:
    survey = create_survey(folder, name="killed")
except SurveyExists:
    survey = open_survey(folder)
day = datetime(2025, 4, 2)
photos = tuple(
    Media(id=f"p{n:04d}", deployment_id="D", path=f"/c/{n}", camera_time=day + timedelta(hours=n))
    for n in range(240)
)
step()
survey.add_evidence(Evidence(
    source=Source(id="s", kind="folder", name="s", location="/c", fingerprint="1"),
    stations=(Station(id="S", lon=131.0, lat=43.0),),
    deployments=(
        Deployment(id="D", station_id="S", start=start, end=start + timedelta(days=90), utc_offset_minutes=0),
    ),
    media=photos,
))
while True:
    step()
    waiting = survey.pending_media()[:8]
    if not waiting:
        break
    survey.record_photos([PhotoRecord(media_id=one.id, state="ok", sha256=one.id[:4]) for one in waiting])
read = survey.flank_readings("e")
unread = [one.id for one in photos if one.id not in read]
for begin in range(0, len(unread), 20):
    step()
    some = unread[begin:begin + 20]
    survey.put_flanks("e", [Flank(media_id=key, side="left", usable=True) for key in some])
step()
if not survey.decisions():
    survey.append([
        Decision(kind="new", actor="m", actor_kind="model", media_a=one.id, side_a="left") for one in photos
    ])
print("end", flush=True)
"""


def write(folder: Path, *, kill_after_steps: int | None = None, then_s: float = 0.0) -> bool:
    """Run the writer; True when it came to its end, False when it was killed before."""
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout as told:
        if kill_after_steps is not None:
            for _ in range(kill_after_steps):
                told.readline()
            time.sleep(then_s)
            process.kill()  # SIGKILL: no handler, no clean-up
        ended = "end\n" in told.readlines()
        process.wait()
    return ended


def test_a_killed_writer_leaves_a_whole_survey_and_going_on_ends_as_if_undisturbed(tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert write(whole)
    chance = random.Random(20260402)
    interrupted = 0
    for _ in range(8):
        steps, moment = chance.randrange(1, 12), chance.uniform(0.0, 0.03)
        interrupted += not write(killed, kill_after_steps=steps, then_s=moment)
        if (killed / "survey.db").exists():
            connection = sqlite3.connect(killed / "survey.db")
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            connection.close()
            with open_survey(killed) as survey:
                assert not [one for one in survey.check() if one.severity != "note"]
                assert len(survey.snapshot().media) in (0, 240)
                assert len(survey.decisions()) in (0, 240)
    assert interrupted >= 4
    assert write(killed)
    with open_survey(whole) as expected, open_survey(killed) as survey:
        one, other = expected.snapshot(), survey.snapshot()
    for part in ("stations", "deployments", "media", "flanks", "encounters", "individuals"):
        assert getattr(one, part) == getattr(other, part), part
    assert {photo.state for photo in other.media.values()} == {"ok", "duplicate"}
