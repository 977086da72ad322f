"""One look at any file: the right state, a reason, and never an exception or a changed byte."""

from __future__ import annotations

import hashlib
import io
import struct
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ghostcat.photos import PhotoFacts, inspect_photo
from ghostcat.photos.inspect import PhotoState

SCENES = Path(__file__).parents[1] / "data" / "scenes"

ROBUSTNESS: dict[str, tuple[PhotoState, str]] = {
    "elephants_grey.jpg": ("ok", ""),
    "elephants_cmyk.jpg": ("ok", "CMYK"),
    "elephants_truncated.jpg": ("unreadable", "truncated after 187,710 bytes: 480 of 768 rows"),
    "elephants_exif_orientation_6.jpg": ("ok", "orientation 6"),
    "elephants_exif_orientation_3.jpg": ("ok", "orientation 3"),
    "elephants_exif_orientation_2_mirror.jpg": ("ok", "orientation 2"),
    "elephants_progressive.jpg": ("ok", ""),
    "elephants_zero_date.jpg": ("ok", "'0000:00:00 00:00:00' (DateTimeOriginal) is no date"),
    "elephants_png_named.JPG": ("ok", "PNG content in a file named .JPG"),
    "elephants_16bit.tif": ("ok", "scaled to 8 bit"),
    "empty_file.jpg": ("empty_file", "0 bytes"),
    "text_named.jpg": ("not_an_image", "holds text"),
    "имя с пробелом 老虎.jpg": ("ok", ""),
}


@pytest.mark.parametrize("name", ROBUSTNESS)
def test_awkward_files_get_a_state_and_a_reason(name: str) -> None:
    path = SCENES / "robustness" / name
    before = path.read_bytes()
    facts = inspect_photo(path)
    state, reason = ROBUSTNESS[name]
    assert facts.state == state
    assert reason in facts.reason
    assert facts.state == "ok" or facts.reason
    assert facts.sha256 == hashlib.sha256(before).hexdigest()
    assert facts.size_bytes == len(before)
    assert path.read_bytes() == before
    assert (facts.camera_time is None) or facts.camera_time == datetime(2010, 8, 4, 8, 43, 15)


def test_every_robustness_file_is_in_the_table() -> None:
    assert {path.name for path in (SCENES / "robustness").iterdir()} == set(ROBUSTNESS)


@pytest.mark.parametrize("path", sorted((SCENES / "frames").iterdir()), ids=lambda path: path.stem)
def test_frames_are_ok_and_infra_red_is_told_from_colour(path: Path) -> None:
    facts = inspect_photo(path)
    assert facts.state == "ok"
    assert facts.infrared is (path.stem in {"american_black_bear", "blank3"})
    assert facts.width_px == 800


def test_thumbnail_is_small_upright_and_a_jpeg() -> None:
    facts = inspect_photo(SCENES / "robustness" / "elephants_exif_orientation_6.jpg", thumbnail_px=100)
    assert facts.thumbnail_jpeg is not None
    with Image.open(io.BytesIO(facts.thumbnail_jpeg)) as small:
        assert small.format == "JPEG"
        assert small.size == (100, 75)
    assert (facts.width_px, facts.height_px) == (640, 480)


def test_a_tinted_infra_red_frame_is_still_infra_red() -> None:
    grey = np.random.default_rng(1).integers(20, 200, (120, 160, 1)).astype(float)
    tinted = np.clip(grey * [1.15, 0.85, 1.05], 0, 255).astype(np.uint8)
    assert _inspect_array(tinted).infrared is True
    one_red_corner = tinted.copy()
    one_red_corner[20:90, 20:140] = [200, 30, 30]
    assert _inspect_array(one_red_corner).infrared is False


def _inspect_array(rgb: np.ndarray) -> PhotoFacts:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "frame.png"
        Image.fromarray(rgb).save(path)
        return inspect_photo(path)


def test_missing_file_folder_and_path_through_a_file(tmp_path: Path) -> None:
    (tmp_path / "file.jpg").write_bytes(b"x")
    assert inspect_photo(tmp_path / "none.jpg").state == "missing"
    assert inspect_photo(tmp_path / "file.jpg" / "below.jpg").state == "missing"
    assert inspect_photo(tmp_path).state == "not_an_image"
    assert inspect_photo(tmp_path / "a\0b.jpg").state == "unreadable"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"\0" * 5000, "only zero bytes"),
        (b"PK\x03\x04" + b"x" * 100, "a zip archive"),
        (b"%PDF-1.7 ...", "a PDF document"),
        (b"\0\0\0\x20ftypmp42" + b"\0" * 64, "a video"),
        (b"RIFF\0\0\0\0AVI LIST", "an AVI video"),
        ("станция;широта\n".encode(), "text"),
        (bytes(range(256)), "unknown data"),
    ],
)
def test_other_content_is_named(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "IMG_0001.JPG"
    path.write_bytes(content)
    facts = inspect_photo(path)
    assert facts.state == "not_an_image"
    assert told in facts.reason
    assert facts.sha256 == hashlib.sha256(content).hexdigest()


def _jpeg(width: int = 160, height: int = 120, exif: Image.Exif | None = None) -> bytes:
    rng = np.random.default_rng(7)
    image = Image.fromarray(rng.integers(0, 256, (height, width, 3)).astype(np.uint8))
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=90, exif=Image.Exif() if exif is None else exif)
    return buffer.getvalue()


def _facts(tmp_path: Path, content: bytes, name: str = "IMG_0001.JPG") -> PhotoFacts:
    path = tmp_path / name
    path.write_bytes(content)
    return inspect_photo(path)


def test_a_jpeg_whose_rest_was_never_written(tmp_path: Path) -> None:
    whole = _jpeg(800, 600)
    facts = _facts(tmp_path, whole[: len(whole) // 2] + b"\0" * (len(whole) // 2))
    assert facts.state == "unreadable"
    assert "bytes are zero" in facts.reason
    assert facts.thumbnail_jpeg is not None


def test_padding_after_the_end_is_harmless(tmp_path: Path) -> None:
    assert _facts(tmp_path, _jpeg() + b"\0" * 4096).state == "ok"


def test_a_header_that_claims_a_giant_is_not_decoded(tmp_path: Path) -> None:
    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    import zlib

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 10**6))
    facts = _facts(tmp_path, bomb, "bomb.png")
    assert facts.state == "unreadable"
    assert "60000 × 60000" in facts.reason


def _exif(**times: str) -> Image.Exif:
    exif = Image.Exif()
    detail = exif.get_ifd(0x8769)
    for name, text in times.items():
        {"DateTime": exif}.get(name, detail)[
            {"DateTime": 306, "DateTimeOriginal": 36867, "SubsecTimeOriginal": 37521}[name]
        ] = text
    return exif


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ({"DateTimeOriginal": "2025:04:09 15:29:09"}, datetime(2025, 4, 9, 15, 29, 9)),
        (
            {"DateTimeOriginal": "2025:04:09 15:29:09", "SubsecTimeOriginal": "25"},
            datetime(2025, 4, 9, 15, 29, 9, 250000),
        ),
        ({"DateTimeOriginal": "2025-04-09T15:29:09"}, datetime(2025, 4, 9, 15, 29, 9)),
        ({"DateTimeOriginal": "2025:04:09 15:29:60"}, datetime(2025, 4, 9, 15, 29, 59)),
        ({"DateTimeOriginal": "2025:02:30 15:29:09"}, None),
        ({"DateTimeOriginal": "    :  :     :  :  "}, None),
        (
            {"DateTimeOriginal": "0000:00:00 00:00:00", "DateTime": "2025:04:09 15:29:09"},
            datetime(2025, 4, 9, 15, 29, 9),
        ),
        ({}, None),
    ],
)
def test_capture_time(tmp_path: Path, times: dict[str, str], expected: datetime | None) -> None:
    facts = _facts(tmp_path, _jpeg(exif=_exif(**times)))
    assert facts.state == "ok"
    assert facts.camera_time == expected
    assert facts.camera_time is not None or "no capture time" in facts.reason


def test_position_stays_in_the_original(tmp_path: Path) -> None:
    exif = _exif(DateTimeOriginal="2025:04:09 15:29:09")
    exif.get_ifd(0x8825)[2] = (43.0, 9.0, 39.6)
    facts = _facts(tmp_path, _jpeg(exif=exif))
    assert not any("GPS" in name for name in facts.exif)


@given(cut=st.integers(2, 2000), position=st.integers(2, 3000), junk=st.binary(min_size=1, max_size=40))
def test_damage_anywhere_never_raises(
    tmp_path_factory: pytest.TempPathFactory, cut: int, position: int, junk: bytes
) -> None:
    whole = _jpeg(64, 48, exif=_exif(DateTimeOriginal="2025:04:09 15:29:09"))
    damaged = whole[:position] + junk + whole[position + len(junk) :]
    path = tmp_path_factory.mktemp("damage") / "IMG.JPG"
    for content in (damaged, damaged[:-cut] or b"\xff"):
        path.write_bytes(content)
        facts = inspect_photo(path)
        assert facts.state in ("ok", "unreadable", "not_an_image")
        assert facts.state == "ok" or facts.reason
        assert facts.sha256 == hashlib.sha256(content).hexdigest()
        assert path.read_bytes() == content


@given(
    content=st.binary(max_size=300),
    magic=st.sampled_from(
        [b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"II*\0", b"MM\0*", b"GIF89a", b"BM", b"RIFF1234WEBP"]
    ),
)
def test_any_bytes_behind_any_magic_never_raise(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, magic: bytes
) -> None:
    path = tmp_path_factory.mktemp("magic") / "IMG.JPG"
    path.write_bytes(magic + content)
    facts = inspect_photo(path)
    assert facts.state in ("unreadable", "ok")
    assert facts.state == "ok" or facts.reason
