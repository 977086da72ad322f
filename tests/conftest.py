"""What several rooms' tests share: a small synthetic survey package, made once a session."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def tiny_package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A synthetic Camtrap DP package with about thirty photos and known truth."""
    from ghostcat.simulate import TINY_SEED, simulate_world, tiny_options, write_world

    folder = tmp_path_factory.mktemp("world") / "tiny"
    write_world(simulate_world(TINY_SEED, options=tiny_options()), folder, processes=1)
    return folder
