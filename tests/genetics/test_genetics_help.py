"""Every command of the group exists, says what it does, and costs nothing to list."""

import subprocess
import sys

import pytest
from click.testing import CliRunner

from ghostcat.cli.genetics_commands import COMMANDS, genetics_command


@pytest.mark.parametrize("name", COMMANDS)
def test_help(name):
    result = CliRunner().invoke(genetics_command, [name, "--help"])
    assert result.exit_code == 0, result.output
    assert "Usage" in result.output


def test_listing_loads_no_science():
    code = (
        "import sys; from ghostcat.cli.genetics_commands import genetics_command as g;"
        "g(['--help'], standalone_mode=False);"
        "sys.exit(bool({'numpy', 'scipy', 'pandas'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0
