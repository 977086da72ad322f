"""Pixels upright, in three channels of eight bits, whatever the file stores."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ghostcat.errors import FormatError
from ghostcat.photos import load_rgb

ROBUSTNESS = Path(__file__).parents[1] / "data" / "scenes" / "robustness"


def _difference(a: np.ndarray, b: np.ndarray) -> float:
    size = (80, 60)
    small = [np.asarray(Image.fromarray(x).resize(size), dtype=float) for x in (a, b)]
    return float(np.abs(small[0] - small[1]).mean())


@pytest.mark.parametrize(
    "name",
    [
        "elephants_exif_orientation_2_mirror.jpg",
        "elephants_exif_orientation_3.jpg",
        "elephants_exif_orientation_6.jpg",
        "elephants_cmyk.jpg",
        "elephants_progressive.jpg",
        "elephants_png_named.JPG",
        "elephants_zero_date.jpg",
    ],
)
def test_all_versions_of_the_frame_show_the_same_scene(name: str) -> None:
    plain = load_rgb(ROBUSTNESS / "имя с пробелом 老虎.jpg")
    pixels = load_rgb(ROBUSTNESS / name)
    assert pixels.dtype == np.uint8
    assert pixels.shape[2] == 3
    # Mirrored or turned, the frame differs from itself by more than 40 grey values on average.
    assert _difference(plain, pixels) < 12
    assert _difference(plain[:, ::-1], pixels) > 20


@pytest.mark.parametrize("name", ["elephants_grey.jpg", "elephants_16bit.tif"])
def test_grey_becomes_three_equal_channels_with_the_full_range(name: str) -> None:
    pixels = load_rgb(ROBUSTNESS / name)
    assert (pixels[..., 0] == pixels[..., 1]).all() and (pixels[..., 1] == pixels[..., 2]).all()
    assert pixels.min() < 20 and pixels.max() > 230


@pytest.mark.parametrize("orientation", range(1, 9))
def test_each_orientation_is_undone(tmp_path: Path, orientation: int) -> None:
    scene = np.zeros((40, 60, 3), dtype=np.uint8)
    scene[:20, :30] = [250, 0, 0]
    scene[:20, 30:] = [0, 250, 0]
    scene[20:, :30] = [0, 0, 250]
    # How the camera stored the pixels: the inverse of what the EXIF standard asks a viewer to do.
    stored = {
        1: scene, 2: scene[:, ::-1], 3: scene[::-1, ::-1], 4: scene[::-1], 5: scene.transpose(1, 0, 2),
        6: np.rot90(scene, 1), 7: scene[::-1, ::-1].transpose(1, 0, 2), 8: np.rot90(scene, -1),
    }[orientation]  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "turned.png"
    Image.fromarray(np.ascontiguousarray(stored)).save(path, exif=exif)
    assert np.array_equal(load_rgb(path), scene)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16", "F"])
def test_every_mode_loads(tmp_path: Path, mode: str) -> None:
    ramp = np.tile(np.arange(0, 256, 4, dtype=np.uint8), (32, 1))
    image = Image.fromarray(ramp)
    image = Image.fromarray(ramp.astype(np.uint16) * 16) if mode == "I;16" else image.convert(mode)
    path = tmp_path / "ramp.tif"
    image.save(path)
    pixels = load_rgb(path)
    assert pixels.shape == (32, 64, 3)
    assert pixels[:, -8:].mean() > pixels[:, :8].mean() + 150


@pytest.mark.parametrize("name", ["elephants_truncated.jpg", "empty_file.jpg", "text_named.jpg", "none.jpg"])
def test_what_cannot_be_shown_is_an_error_that_names_the_file(name: str) -> None:
    with pytest.raises(FormatError) as caught:
        load_rgb(ROBUSTNESS / name)
    assert name in caught.value.where
    assert caught.value.fix
