"""Import of 1,000 photos of 2–4 MB: photos a second, memory, and the cost of a second run.

    python benchmarks/import_photos.py [--photos 1000] [--folder DIR]

The photos are made here: camera-sized JPEGs with natural-looking detail, each with its own EXIF time
and content. Figures are for the whole `ghostcat import` process with its workers. The ratio against
reading the same files once and hashing them is the physical limit that the import works against.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import hashlib
import io
import json
import subprocess
import sys
import tempfile
import time
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from PIL import Image


def make_photos(folder: Path, count: int) -> None:
    """One station, two cameras; every file differs in content and time."""
    rng = np.random.default_rng(20260101)
    bases = [_jpeg(rng, megabytes) for megabytes in (2.0, 2.5, 3.0, 3.5, 4.0)]
    start = datetime(2026, 1, 1, 6)
    for number in range(count):
        target = folder / "ST01" / "AB"[number % 2] / f"IMG_{number:05d}.JPG"
        target.parent.mkdir(parents=True, exist_ok=True)
        exif = Image.Exif()
        taken = (start + timedelta(minutes=7 * number)).strftime("%Y:%m:%d %H:%M:%S")
        exif[306] = taken
        exif.get_ifd(0x8769)[36867] = taken
        block = b"Exif\x00\x00" + exif.tobytes().removeprefix(b"Exif\x00\x00")
        base = bases[number % len(bases)]
        target.write_bytes(base[:2] + b"\xff\xe1" + (len(block) + 2).to_bytes(2, "big") + block + base[2:])
    end = start + timedelta(minutes=7 * count)
    _write(folder / "stations.csv", ["station", "lon", "lat"], [["ST01", 131.1, 43.1]])
    _write(
        folder / "deployments.csv",
        ["station", "camera", "setup", "retrieval"],
        [["ST01", camera, f"{start.date()}", f"{(end + timedelta(days=1)).date()}"] for camera in "AB"],
    )


def _jpeg(rng: np.random.Generator, megabytes: float) -> bytes:
    height, width = 2448, 3264
    coarse = rng.normal(size=(height // 16, width // 16, 3))
    smooth = np.asarray(
        Image.fromarray(np.clip(coarse * 40 + 128, 0, 255).astype(np.uint8)).resize((width, height), 3)
    )
    image = np.clip(smooth + rng.normal(scale=9, size=smooth.shape), 0, 255).astype(np.uint8)
    best = b""
    for quality in range(60, 98, 2):
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, "JPEG", quality=quality)
        best = buffer.getvalue()
        if len(best) >= megabytes * 1e6:
            break
    return best


def _write(path: Path, heading: list[str], rows: list[list[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([heading, *rows])


def timed(command: list[str]) -> tuple[float, float]:
    """Wall seconds, and the peak of resident memory of the command and its workers together, MB."""
    before = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
    peak = 0.0
    while process.poll() is None:
        peak = max(peak, resident_mb(process.pid))
        time.sleep(0.05)
    if process.returncode:
        raise SystemExit(f"{command} failed")
    return time.perf_counter() - before, peak


def resident_mb(session: int) -> float:
    """Resident memory of all processes of a session (Linux; 0 elsewhere)."""
    pages = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[3]) == session:
                pages += int(fields[21])
    return pages * 4096 / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=1000)
    parser.add_argument("--folder", type=Path, default=None)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as temporary:
        photos, survey = Path(temporary) / "cards", Path(temporary) / "bench.ghostcat"
        photos.mkdir()
        make_photos(photos, arguments.photos)
        files = sorted(photos.rglob("*.JPG"))
        size_mb = sum(file.stat().st_size for file in files) / 1e6
        ghostcat = [sys.executable, "-m", "ghostcat"]
        subprocess.run([*ghostcat, "new", str(survey)], check=True, stdout=subprocess.DEVNULL)

        before = time.perf_counter()
        for file in files:
            hashlib.sha256(file.read_bytes()).digest()
        limit_s = time.perf_counter() - before

        command = [*ghostcat, "import", str(survey), str(photos), "--utc-offset", "10", "--json"]
        first_s, peak_mb = timed(command)
        second_s, _ = timed(command)
        print(
            json.dumps(
                {
                    "photos": len(files),
                    "mean_mb": round(size_mb / len(files), 2),
                    "first_import_s": round(first_s, 2),
                    "photos_per_s": round(len(files) / first_s, 1),
                    "peak_mb_all_processes": round(peak_mb),
                    "second_import_s": round(second_s, 2),
                    "read_and_hash_only_s": round(limit_s, 2),
                    "ratio_import_to_read_and_hash": round(first_s / limit_s, 2),
                },
                indent=2,
            )
        )


if __name__ == "__main__":
    main()
