"""What is written to disk: pictures, EXIF, tables and truth; all of it says that it is synthetic."""

from __future__ import annotations

import csv
import hashlib
import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.ExifTags import IFD, Base

from ghostcat.errors import ParameterError
from ghostcat.simulate import (
    SYNTHETIC,
    TINY_SEED,
    Shot,
    World,
    coat_of,
    draw_coat,
    paint_shot,
    simulate_world,
    tiny_options,
    write_world,
)
from ghostcat.simulate import write as writer


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def digest(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def world() -> World:
    return simulate_world(TINY_SEED, options=tiny_options())


@pytest.fixture(scope="module")
def package(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_world(world, tmp_path_factory.mktemp("simulated") / "package", processes=1)


@pytest.fixture
def small() -> World:
    options = replace(
        tiny_options(), stations=2, animals=2, days=20, buffer_m=2000.0, width_px=320, height_px=214,
        clock_error_s=10_800,
    )  # fmt: skip
    return simulate_world(1, options=options)


def test_same_seed_same_bytes_however_many_processes(
    small: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert 3 <= len(small.shots) <= 20
    steps: list[tuple[int, int]] = []
    one = write_world(small, tmp_path / "one", processes=1, progress=lambda *at: steps.append(at))
    assert steps[-1] == (len(small.shots), len(small.shots))
    monkeypatch.setattr(writer, "_WORTH_A_PROCESS", 1)
    two = write_world(small, tmp_path / "two", processes=2)
    assert digest(one) == digest(two)


def test_a_wrong_clock_is_wrong_in_photo_and_table_and_right_in_truth(small: World, tmp_path: Path) -> None:
    folder = write_world(small, tmp_path / "late", processes=1)
    late = {c.id: c.clock_error_s for c in small.cameras if c.clock_error_s}
    assert list(late.values()) == [10_800]
    assert json.loads((folder / "truth" / "truth.json").read_text())["clock_errors_s"] == late
    true = {row["media_id"]: row for row in table(folder / "truth" / "truth.csv")}
    for row in table(folder / "media.csv"):
        truth = datetime.fromisoformat(true[row["mediaID"]]["datetime"])
        camera = row["mediaID"].split("-")[0]
        shown = datetime.fromisoformat(row["timestamp"])
        assert shown - truth == timedelta(seconds=late.get(camera, 0))


def test_every_photo_carries_its_clock_and_says_synthetic(world: World, package: Path) -> None:
    serials = {camera.id: camera.serial for camera in world.cameras}
    stamps = {row["filePath"]: row for row in table(package / "media.csv")}
    photos = sorted((package / "photos").rglob("*.JPG"))
    assert len(photos) == len(world.shots) == len(stamps)
    for photo in photos:
        row = stamps[photo.relative_to(package).as_posix()]
        with Image.open(photo) as image:
            assert image.size == (640, 427)
            exif = image.getexif()
        details = exif.get_ifd(IFD.Exif)
        taken = datetime.strptime(details[Base.DateTimeOriginal], "%Y:%m:%d %H:%M:%S")
        assert taken == datetime.fromisoformat(row["timestamp"]).replace(tzinfo=None)
        assert details[Base.BodySerialNumber] == serials[row["mediaID"].split("-")[0]]
        assert SYNTHETIC in exif[Base.ImageDescription]
        assert SYNTHETIC in exif[Base.Artist]
        assert SYNTHETIC in exif[Base.Model]
        assert SYNTHETIC.encode() in details[Base.UserComment]
        assert IFD.GPSInfo not in exif


def test_the_caption_strip_is_burnt_in(package: Path) -> None:
    for photo in sorted((package / "photos").rglob("*.JPG"))[:4]:
        with Image.open(photo) as image:
            strip = np.asarray(image.convert("L"))[-17:]
        # The word stands at the right end: bright letters on black.
        assert strip[:, -90:].max() > 150
        assert np.median(strip) < 40


def test_the_package_says_synthetic(package: Path) -> None:
    descriptor = json.loads((package / "datapackage.json").read_text(encoding="utf-8"))
    assert descriptor["synthetic"] is True
    assert "synthetic" in descriptor["keywords"]
    assert descriptor["description"].startswith(SYNTHETIC)
    assert all(SYNTHETIC in row["deploymentComments"] for row in table(package / "deployments.csv"))
    assert all(SYNTHETIC in row["mediaComments"] for row in table(package / "media.csv"))
    assert all(SYNTHETIC in row["observationComments"] for row in table(package / "observations.csv"))
    assert all(row["note"] == "synthetic" for row in table(package / "field_tables" / "stations.csv"))
    assert json.loads((package / "truth" / "truth.json").read_text())["synthetic"] is True
    assert SYNTHETIC in (package / "README.md").read_text(encoding="utf-8")


def test_the_tables_fit_together_and_give_nothing_away(world: World, package: Path) -> None:
    deployments = {row["deploymentID"]: row for row in table(package / "deployments.csv")}
    media = {row["mediaID"]: row for row in table(package / "media.csv")}
    observations = table(package / "observations.csv")
    for row in media.values():
        home = deployments[row["deploymentID"]]
        start, end = (datetime.fromisoformat(home[k]) for k in ("deploymentStart", "deploymentEnd"))
        assert start <= datetime.fromisoformat(row["timestamp"]) <= end + timedelta(seconds=10)
        assert (package / row["filePath"]).is_file()
    assert {row["mediaID"] for row in observations} == set(media)
    assert {row["individualID"] for row in observations} == {""}
    assert {row["observationTags"] for row in observations} == {""}
    assert {row["observationType"] for row in observations} <= {"animal", "blank"}
    assert sum(row["observationType"] == "blank" for row in observations) == sum(
        not shot.passage for shot in world.shots
    )
    sexes = {row["media_id"]: row["sex"] for row in table(package / "truth" / "truth.csv")}
    for row in observations:
        assert row["sex"] in ("", {"F": "female", "M": "male", "": ""}[sexes[row["mediaID"]]])


def test_the_truth_adds_up(world: World, package: Path) -> None:
    truth = json.loads((package / "truth" / "truth.json").read_text(encoding="utf-8"))
    photos = table(package / "truth" / "truth.csv")
    passes = table(package / "truth" / "passes.csv")
    animals = table(package / "truth" / "animals.csv")
    captures = table(package / "truth" / "captures.csv")
    counts = truth["counts"]
    assert counts["photos"] == len(photos) == len(world.shots)
    assert counts["passes"] == len(passes) == len({row["pass_id"] for row in photos} - {""})
    assert sum(int(row["photos"]) for row in passes) == counts["photos"] - counts["blank_photos"]
    assert counts["identifiable_passes"] == sum(int(row["identifiable_passes"]) for row in captures)
    assert counts["identifiable_passes"] == sum(int(row["identifiable_passes"]) for row in animals)
    assert counts["identifiable"] == len({row["animal"] for row in captures})
    assert truth["N_region"] == len(animals) == sum(truth["N_by_sex"].values())
    cells = table(package / "field_tables" / "habitat_mask.csv")
    assert truth["area_km2"] == sum(float(row["area_km2"]) for row in cells)
    for row in photos:
        assert bool(row["degraded"]) == (row["usable_flank"] == "0" and bool(row["animal"]))
        if row["usable_flank"] == "1":
            assert float(row["bbox_w"]) > 0.3
            assert float(row["bbox_h"]) > 0.15
    spent = sum(int(row["photos"]) for row in table(package / "field_tables" / "deployments.csv"))
    assert spent == len(photos)


def test_the_folder_layout_holds_the_same_photos(small: World, tmp_path: Path) -> None:
    folder = write_world(small, tmp_path / "cards", layout="folder", processes=1)
    assert not (folder / "datapackage.json").exists()
    assert len(table(folder / "stations.csv")) == 2
    listed = {row["file"] for row in table(folder / "truth" / "truth.csv")}
    assert listed == {p.relative_to(folder).as_posix() for p in folder.rglob("*.JPG")}
    assert all(name.startswith("ST0") for name in listed)


def test_a_folder_in_use_is_left_alone(small: World, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(ParameterError, match="not empty"):
        write_world(small, tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]
    with pytest.raises(ParameterError, match="not known"):
        write_world(small, tmp_path / "new", layout="zip")  # type: ignore[arg-type]


def test_no_two_flanks_are_alike() -> None:
    flanks = []
    for seed in range(3):
        coat = draw_coat(np.random.default_rng(seed), male=True)
        flanks += [coat.left.dark[60:220, 330:680] > 127, coat.right.dark[60:220, 330:680] > 127]
    for i, a in enumerate(flanks):
        # A coat, not a blank or a blot.
        assert 0.2 < a.mean() < 0.6
        for b in flanks[:i]:
            agree = np.corrcoef(a.ravel(), b.ravel())[0, 1]
            assert abs(agree) < 0.15


def test_left_flank_walks_left(world: World) -> None:
    """The head is where the animal goes: towards the left edge when the left flank shows."""
    cameras = {camera.id: camera for camera in world.cameras}
    seen = set()
    for shot in world.shots:
        if not shot.passage or shot.fault or shot.night or shot.side in seen:
            continue
        seen.add(shot.side)
        camera = cameras[shot.camera]
        coat = coat_of(world, shot.animal)
        empty = paint_shot(world, camera, shot, None).rgb.astype(int)
        full = paint_shot(world, camera, shot, coat).rgb.astype(int)
        changed = np.abs(full - empty).sum(2)[:-20] > 90
        rows = np.flatnonzero(changed.sum(1) > 20)
        columns = np.flatnonzero(changed.any(0))
        left, right = columns[0], columns[-1]
        span = (right - left) // 5
        tall_left = changed[:, left : left + span].sum()
        tall_right = changed[:, right - span : right].sum()
        assert len(rows) > 60
        # Neck and forelegs fill the end that leads; only the tail fills the other.
        assert (tall_left > tall_right) == (shot.side == "left")
    assert seen == {"left", "right"}


def test_same_flank_matches_and_others_do_not(world: World) -> None:
    """SIFT points agree in place between two passes of one flank, and not between animals."""
    shots: dict[tuple[str, str], dict[str, Shot]] = {}
    for shot in world.shots:
        if shot.passage and not shot.fault:
            shots.setdefault((shot.animal, shot.side), {}).setdefault(shot.passage, shot)
    pairs = [list(of.values())[:2] for of in shots.values() if len(of) > 1][:3]
    assert len(pairs) == 3
    features = [[_sift(_body(world, shot)) for shot in of] for of in pairs]
    for i, (first, second) in enumerate(features):
        other = features[(i + 1) % 3][1]
        assert _inliers(first, second) >= 20
        assert _inliers(first, other) <= 15


def _body(world: World, shot: Shot) -> np.ndarray:
    """Grey picture and body mask (h, w, 2): the body is where the photo differs from the empty scene."""
    import cv2

    camera = next(c for c in world.cameras if c.id == shot.camera)
    scenes: Any = {}
    rgb = paint_shot(world, camera, shot, coat_of(world, shot.animal), scenes=scenes).rgb
    empty = paint_shot(world, camera, shot, None, scenes=scenes).rgb
    body = (np.abs(rgb.astype(int) - empty.astype(int)).sum(2) > 60).astype(np.uint8)
    body[-20:] = 0
    return np.dstack([cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), body])


def _sift(view: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    import cv2

    mask = cv2.morphologyEx(view[..., 1], cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
    points, descriptors = cv2.SIFT_create(1000, contrastThreshold=0.02).detectAndCompute(
        np.ascontiguousarray(view[..., 0]), mask
    )
    return np.array([p.pt for p in points], np.float32), np.asarray(descriptors)


def _inliers(a: tuple[np.ndarray, np.ndarray], b: tuple[np.ndarray, np.ndarray]) -> int:
    import cv2

    near = cv2.BFMatcher().knnMatch(a[1], b[1], k=2)
    good = [m for m, n in near if m.distance < 0.8 * n.distance]
    if len(good) < 6:
        return 0
    source, goal = a[0][[m.queryIdx for m in good]], b[0][[m.trainIdx for m in good]]
    kept = cv2.estimateAffine2D(source, goal, ransacReprojThreshold=9)[1]
    return 0 if kept is None else int(kept.sum())
