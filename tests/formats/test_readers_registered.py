"""Readers of others register as ours do, and a broken one keeps nobody from reading."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from ghostcat.errors import FormatError
from ghostcat.formats import Reader, installed_readers, read_evidence, registry
from ghostcat.survey.evidence import Evidence, Source

SEEN: list[tuple[Path, str]] = []


def _read(path: Path, *, prefix: str = "") -> Evidence:
    SEEN.append((path, prefix))
    return Evidence(source=Source(id="x", kind="diary", name="x", location="", fingerprint=""))


DIARY = Reader(
    kind="diary", title="field diary", recognises=lambda path: path.suffix == ".diary", read=_read, rank=1
)
NOT_A_READER = "x"


@pytest.fixture
def plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    class Registered(EntryPoint):
        def load(self) -> object:
            return {"diary": DIARY, "odd": NOT_A_READER}[self.name] if self.name != "broken" else 1 / 0

    entries = [Registered(name, "x:y", registry.GROUP) for name in ("diary", "broken", "odd")]
    monkeypatch.setattr(registry, "entry_points", lambda group: entries if group == registry.GROUP else [])


def test_a_plug_in_reads(plugins: None, tmp_path: Path) -> None:
    path = tmp_path / "notes.diary"
    path.write_text("x", encoding="utf-8")
    evidence = read_evidence(path, prefix="p-", crs="EPSG:32652")
    assert evidence.source.kind == "diary"
    # It is given only the options that it names.
    assert SEEN[-1] == (path, "p-")


def test_ours_are_there_beside_it_and_broken_ones_are_told(plugins: None, tmp_path: Path) -> None:
    readers, broken = installed_readers()
    assert [reader.kind for reader in readers] == ["diary", "camtrap-dp", "folder"]
    assert len(broken) == 2
    path = tmp_path / "x.docx"
    path.write_text("x", encoding="utf-8")
    with pytest.raises(FormatError, match=r"diary: field diary.*camtrap-dp: .*folder: .*Not loaded: broken"):
        read_evidence(path)


def test_reading_imports_nothing_heavy_before_it_is_needed() -> None:
    code = (
        "import sys, ghostcat.formats, ghostcat.photos\n"
        "heavy = {'frictionless', 'openpyxl', 'pandas', 'pyproj', 'PIL', 'cv2', 'sqlalchemy', 'geopandas'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
