"""The demo: a synthetic survey goes the whole way, and the truth is laid beside what was found."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from ghostcat.workflows.portraying import PortraitResult, portrait
from ghostcat.workflows.progress import Progress, silent

__all__ = ["DemoResult", "demo"]


@dataclass(frozen=True, kw_only=True)
class DemoResult:
    """What the demo found in a world whose truth is known. Everything in it is synthetic."""

    result: PortraitResult
    package: Path
    true_abundance: int
    true_photographed: int
    """Animals with at least one usable flank on a photo."""


def demo(
    folder: str | Path = "ghostcat-demo",
    *,
    seed: int | None = None,
    lang: str = "en",
    processes: int | None = None,
    progress: Progress = silent,
) -> DemoResult:
    """Make a synthetic survey with its photos, then import, identify, estimate and report it.

    Nothing is downloaded. Run again with the same folder and seed, it goes on where it stopped.

    Parameters
    ----------
    folder : where the photos, the survey and the report go.
    seed : of the world; another seed is another forest. The default is `simulate.DEMO_SEED`.
    """
    package = _synthetic_package(Path(folder), seed=seed, processes=processes, progress=progress)
    result = portrait(
        package,
        out=package.parent,
        region=package / "field_tables" / "habitat_mask.csv",
        lang=lang,
        processes=processes,
        progress=progress,
    )
    truth = json.loads((package / "truth" / "truth.json").read_text(encoding="utf-8"))
    return DemoResult(
        result=result,
        package=package,
        true_abundance=truth["N_region"],
        true_photographed=truth["counts"]["identifiable"],
    )


def _synthetic_package(folder: Path, *, seed: int | None, processes: int | None, progress: Progress) -> Path:
    """The photos and tables of the demo. The descriptor is written last, so it tells a whole package."""
    import shutil

    from ghostcat.simulate import DEMO_SEED, demo_options, simulate_world, write_world

    seed = DEMO_SEED if seed is None else seed
    package = folder / f"synthetic-{seed}"
    if (package / "datapackage.json").exists():
        return package
    shutil.rmtree(package, ignore_errors=True)
    return write_world(
        simulate_world(seed, options=demo_options()),
        package,
        progress=lambda done, total: progress("Drawing synthetic photos", done, total),
        processes=processes or 2,
    )
