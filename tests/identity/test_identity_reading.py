from __future__ import annotations

import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from ghostcat.errors import InputError, ModelMissing
from ghostcat.identity import constant_regions, load_models, read_flank
from ghostcat.identity.body import Body, caption_rows, load_body_model
from ghostcat.identity.side import load_side_model
from ghostcat.identity.usable import judge, view_coat

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("GHOSTCAT_SHARED", ROOT.parent / "shared"))


@pytest.fixture(scope="module")
def models():
    found = load_models(required=True)
    assert found.missing == ()
    return found


def test_a_blank_shows_no_animal(models):
    rng = np.random.default_rng(1)
    noise = cv2.GaussianBlur(rng.normal(size=(360, 480)), (0, 0), 2)
    grey = np.clip(120 + 300 * noise, 0, 255).astype(np.uint8)
    for level in (0, 128, 255):
        reading = read_flank(np.full((360, 480, 3), level, np.uint8), models=models)
        assert (reading.usable, reading.reason) == (False, "no_animal")
    assert not read_flank(np.dstack([grey] * 3), models=models).usable


def test_a_drawn_cat_is_found_where_it_is(models, take_photo):
    rgb, mask = take_photo(1, 1)
    smooth = cv2.GaussianBlur(rgb, (0, 0), 12)
    rgb = np.where(mask[..., None], rgb, smooth)
    reading = read_flank(rgb, models=models)
    assert reading.box is not None and reading.mask is not None
    _, xs = np.nonzero(mask)
    assert abs(reading.box[0] * 640 - xs.min()) < 60
    assert abs((reading.box[0] + reading.box[2]) * 640 - xs.max()) < 60
    assert 0 <= reading.quality <= 1


def test_a_smeared_coat_is_called_blurred(take_photo):
    rgb, mask = take_photo(1, 1)
    ys, xs = np.nonzero(mask)
    box = (int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1)
    body = Body(box=box, mask=mask[box[1] : box[3], box[0] : box[2]], salience=1.0)
    quality = []
    for width in (1, 31, 101):
        view = view_coat(cv2.blur(rgb, (width, 1 + width // 10)), body)
        quality.append(judge(view)[2])
    assert judge(view)[:2] == (False, "blurred")
    assert judge(view_coat(rgb, body))[:2] == (True, "")
    assert quality[0] > quality[1] > quality[2]


def test_glare_is_named(models, take_photo):
    rgb, mask = take_photo(1, 1)
    rgb = np.where(mask[..., None], rgb, cv2.GaussianBlur(rgb, (0, 0), 12))
    glare = np.where(mask[..., None], np.clip(rgb.astype(int) + 190, 0, 255), rgb).astype(np.uint8)
    assert read_flank(glare, models=models).reason == "over_exposed"


@pytest.mark.parametrize("shape", [(1, 1), (15, 900), (40, 30), (3, 4000)])
def test_tiny_pictures_get_a_reason(models, shape):
    reading = read_flank(np.full((*shape, 3), 90, np.uint8), models=models)
    assert not reading.usable and reading.reason


def test_a_picture_that_is_none_is_refused():
    with pytest.raises(InputError, match="uint8"):
        read_flank(np.zeros((10, 10), np.uint8))


def test_without_models_the_frame_is_used_and_that_is_said(tmp_path, take_photo):
    rgb, _ = take_photo(1, 1)
    reading = read_flank(rgb)
    assert reading.box == (0, 0, 1, 1) and reading.mask is None and reading.side_probability == 0.5
    assert load_body_model(tmp_path) is None
    assert load_side_model(tmp_path) is None
    with pytest.raises(ModelMissing, match="u2netp"):
        load_body_model(tmp_path, required=True)


def test_a_changed_model_file_is_not_loaded(tmp_path):
    (tmp_path / "manifest.toml").write_text('[u2netp]\nfile = "u2netp.onnx"\nsha256 = "00"\n')
    (tmp_path / "u2netp.onnx").write_bytes(b"not the model")
    with pytest.raises(ModelMissing, match="sha256"):
        load_body_model(tmp_path)


@pytest.mark.parametrize("level", [3, 240])
def test_caption_strips_are_left_out(take_photo, level):
    rgb, _ = take_photo(2, 1)
    strip = rgb.copy()
    strip[455:] = level
    cv2.putText(
        strip, "2026-04-05 13:22:01  12 C  ST07A", (10, 474), cv2.FONT_HERSHEY_PLAIN, 1, (128, 128, 128), 1
    )
    assert caption_rows(strip) == (0, 455)
    assert caption_rows(rgb) == (0, 480)
    assert caption_rows(np.zeros((100, 100, 3), np.uint8)) == (0, 100)


def test_a_logo_is_found_by_its_constancy():
    rng = np.random.default_rng(4)
    scene = cv2.GaussianBlur(rng.normal(size=(90, 160)), (0, 0), 3)
    greys = []
    for light in np.linspace(0.5, 1.5, 8):
        grey = np.clip(light * (110 + 60 * scene) + rng.normal(0, 3, scene.shape), 0, 255).astype(np.uint8)
        grey[80:88, 4:40] = 200
        greys.append(grey)
    written = constant_regions(greys)
    assert written is not None
    assert written[80:88, 4:40].all()
    assert written.sum() < 1.5 * 8 * 36
    assert constant_regions(greys[:3]) is None
    assert constant_regions([greys[0]] * 8) is None


def test_the_flank_of_a_mirrored_outline_is_the_other_one(models):
    body = np.zeros((120, 220), bool)
    body[20:80, 40:180] = True  # trunk
    body[5:50, 175:215] = True  # head
    body[70:120, 55:75] = body[70:120, 150:170] = True
    body[30:36, 0:45] = True  # tail
    p = models.side.right(body)
    assert p > 0.7
    assert models.side.right(body[:, ::-1]) == pytest.approx(1 - p)


SCENES = ROOT / "tests" / "data" / "scenes" / "frames"


def scene(name):
    return np.ascontiguousarray(cv2.imread(str(SCENES / name))[:, :, ::-1])


def test_a_real_ocelot_is_found(models):
    reading = read_flank(scene("ocelot.jpg"), models=models)
    assert reading.box is not None and reading.reason != "no_animal"
    assert reading.box[2] * reading.box[3] < 0.5


@pytest.mark.parametrize("name", ["blank.jpg", "blank2.jpg", "blank3.jpg"])
def test_a_real_blank_is_not_used(models, name):
    assert not read_flank(scene(name), models=models).usable


@pytest.mark.skipif(
    not (SHARED / "surveys" / "khasan").is_dir(), reason="the khasan survey is not on this machine"
)
def test_degraded_photos_of_a_survey_are_told_from_usable_ones(models):
    import csv

    folder = SHARED / "surveys" / "khasan"
    with open(folder / "truth" / "truth.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    degraded = [r for r in rows if r["usable_flank"] == "0"][::10]
    usable = [r for r in rows if r["usable_flank"] == "1"][::70]

    def said(row):
        rgb = np.ascontiguousarray(cv2.imread(str(folder / row["file"]))[:, :, ::-1])
        return read_flank(rgb, models=models).usable

    assert sum(said(r) for r in degraded) <= 2
    assert sum(said(r) for r in usable) >= len(usable) - 1
