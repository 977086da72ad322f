"""What several rooms' tests share: a small synthetic survey package, made once a session."""

import shutil
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def tiny_package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A synthetic Camtrap DP package with about thirty photos and known truth."""
    from ghostcat.simulate import TINY_SEED, simulate_world, tiny_options, write_world

    folder = tmp_path_factory.mktemp("world") / "tiny"
    write_world(simulate_world(TINY_SEED, options=tiny_options()), folder, processes=1)
    return folder


@pytest.fixture(scope="session")
def identified(tiny_package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A survey of that package, imported and identified. Copy it before changing it."""
    import ghostcat

    folder = tmp_path_factory.mktemp("identified") / "tiny.ghostcat"
    with ghostcat.new(folder) as survey:
        ghostcat.import_evidence(survey, tiny_package, processes=1)
        ghostcat.identify(survey, processes=1)
    return folder


@pytest.fixture
def survey_copy(identified: Path, tmp_path: Path) -> Path:
    """That survey to do with as one likes."""
    return Path(shutil.copytree(identified, tmp_path / "copy.ghostcat"))
