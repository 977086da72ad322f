"""Nothing opens a network connection, and nothing heavy is imported before it is needed."""

import subprocess
import sys

import pytest

BLOCK_SOCKETS = """
import socket, sys
class Blocked(socket.socket):
    def __new__(cls, family=socket.AF_INET, *args, **kwargs):
        if family in (socket.AF_INET, socket.AF_INET6):
            raise RuntimeError("a network socket was opened")
        return super().__new__(cls, family, *args, **kwargs)
socket.socket = Blocked
def refuse(*args, **kwargs):
    raise RuntimeError("a network name was looked up")
socket.getaddrinfo = socket.create_connection = refuse
"""

HEAVY = {
    "numpy",
    "pandas",
    "scipy",
    "cv2",
    "onnxruntime",
    "sqlalchemy",
    "frictionless",
    "PIL",
    "rich",
    "jinja2",
}


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=600)


@pytest.mark.parametrize(
    "what", ["import ghostcat", "from ghostcat.cli.app import cli; cli(['--help'], standalone_mode=False)"]
)
def test_nothing_heavy_is_imported_for_nothing(what):
    done = run(f"{what}\nimport sys\nprint('LOADED', *sys.modules)")
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.rsplit("LOADED", 1)[1].split())
    assert not loaded & HEAVY


def test_the_blocker_blocks():
    done = run(BLOCK_SOCKETS + "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9')")
    assert "a network" in done.stderr


def test_the_whole_way_opens_no_connection(tmp_path, tiny_package):
    command = ["ghostcat", "portrait", str(tiny_package), "--out", str(tmp_path), "--json"]
    done = run(BLOCK_SOCKETS + f"sys.argv = {command!r}\nfrom ghostcat.cli import main\nmain()")
    assert done.returncode == 0, done.stderr
    assert '"minimum_count"' in done.stdout
