"""Write a world to disk: photos, tables and, apart from them, the truth."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

from ..errors import ParameterError
from .paint import Box, coat_of, paint_task
from .tables import write_camtrap_dp_tables, write_field_tables, write_readme, write_truth
from .world import World

__all__ = ["write_world"]

Result = TypeVar("Result")

#: Below this many photos a second process costs more than it saves.
_WORTH_A_PROCESS: Final = 60


def write_world(
    world: World,
    folder: Path,
    *,
    layout: Literal["camtrap-dp", "folder"] = "camtrap-dp",
    progress: Callable[[int, int], None] | None = None,
    processes: int = 2,
) -> Path:
    """Paint every photo of a world and write its tables.

    Parameters
    ----------
    world : from `simulate_world`.
    folder : made if it is not there; must be empty.
    layout : `camtrap-dp` writes a Camtrap DP 1.0.2 package with `photos/ST01/A/IMG_0001.JPG` and
        `field_tables/`; `folder` writes `ST01/A/IMG_0001.JPG` beside stations.csv and deployments.csv.
        Both hold `truth/`.
    progress : called with (photos done, photos in all).
    processes : worker processes. The bytes written do not depend on it. With more than one, a
        script must guard its entry with `if __name__ == "__main__":`.

    Returns
    -------
    The folder.

    Raises
    ------
    ParameterError : the folder holds something already, or the layout is not known.
    """
    folder = Path(folder)
    if layout not in ("camtrap-dp", "folder"):
        raise ParameterError(f"layout {layout!r} is not known", fix="Give camtrap-dp or folder.")
    if folder.exists() and any(folder.iterdir()):
        raise ParameterError(
            "the folder is not empty", where=str(folder), fix="Name a new folder for the simulated survey."
        )
    folder.mkdir(parents=True, exist_ok=True)
    root = "photos/" if layout == "camtrap-dp" else ""
    files = {
        shot.media_id: f"{root}{shot.camera[:-1]}/{shot.camera[-1]}/IMG_{shot.number:04d}.JPG"
        for shot in world.shots
    }
    boxes = _paint_all(world, folder, files, progress, processes)
    write_truth(world, folder / "truth", files, boxes)
    write_readme(world, folder, layout=layout)
    if layout == "camtrap-dp":
        write_field_tables(world, folder / "field_tables")
        # Last of all, so that a folder with a datapackage.json is a whole package.
        write_camtrap_dp_tables(world, folder, files)
    else:
        write_field_tables(world, folder)
    return folder


def _paint_all(
    world: World,
    folder: Path,
    files: dict[str, str],
    progress: Callable[[int, int], None] | None,
    processes: int,
) -> dict[str, Box]:
    total = len(world.shots)
    by_camera: dict[str, list[tuple[str, str]]] = {camera.id: [] for camera in world.cameras}
    needs: dict[str, set[str]] = {camera.id: set() for camera in world.cameras}
    for shot in world.shots:
        by_camera[shot.camera].append((shot.media_id, str(folder / files[shot.media_id])))
        needs[shot.camera] |= {shot.animal} - {""}
    seen = sorted(set().union(*needs.values()))
    boxes: dict[str, Box] = {}
    with _workers(processes if total >= _WORTH_A_PROCESS else 1) as pool:
        coats = dict(zip(seen, _each(pool, coat_of, [(world, animal) for animal in seen]), strict=True))
        tasks = [
            (world, camera, by_camera[camera.id], {a: coats[a] for a in sorted(needs[camera.id])})
            for camera in world.cameras
            if by_camera[camera.id]
        ]
        for painted in _each(pool, paint_task, tasks):
            boxes |= painted
            if progress is not None:
                progress(len(boxes), total)
    return boxes


@contextmanager
def _workers(processes: int) -> Iterator[Executor | None]:
    """Worker processes, or None to work here."""
    if processes <= 1:
        yield None
        return
    # Spawned, not forked: OpenCV's threads do not survive a fork.
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        yield pool


def _each(
    pool: Executor | None, call: Callable[..., Result], tasks: Sequence[tuple[Any, ...]]
) -> Iterator[Result]:
    """Results of `call` for each task, in the order of the tasks."""
    if pool is None:
        yield from (call(*task) for task in tasks)
        return
    futures = [pool.submit(call, *task) for task in tasks]
    try:
        yield from (future.result() for future in futures)
    finally:
        for future in futures:
            future.cancel()
