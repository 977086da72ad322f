#!/usr/bin/env python3
"""Install ghostcat into a private environment and run it. Needs Python 3.11 or newer, nothing else.

    python3 start.py demo     the main job on a synthetic survey: photos in, population portrait out
    python3 start.py test     every check and test of the project

Anything after the word is handed on: `python3 start.py demo --lang ru`, `python3 start.py test -k scr`.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

HOME = Path(__file__).resolve().parent
ENVIRONMENT = HOME / ".venv"
#: What the tests need from the system: a program that shows it is there → Debian package, and the
#: variable that makes a test fail rather than skip when it cannot use what is there.
SYSTEM_PACKAGES = {
    "initdb": ("postgresql", "GHOSTCAT_REQUIRE_POSTGRES"),
    "chromium": ("chromium", "GHOSTCAT_REQUIRE_BROWSER"),
}


def main(arguments: list[str]) -> int:
    if sys.version_info < (3, 11):  # noqa: UP036 - this file must be readable by the Python that is too old
        print(f"ghostcat needs Python 3.11 or newer; this is {sys.version.split()[0]}.", file=sys.stderr)
        return 1
    task, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    if task == "demo":
        python = install(groups=())
        return run(python, "-m", "ghostcat", "demo", *rest)
    if task == "test":
        python = install(groups=("test", "check"))
        return test(python, rest)
    print(__doc__)
    return 0 if task in ("-h", "--help") else 1


def test(python: Path, pytest_arguments: list[str]) -> int:
    """Static checks first, then the tests; pytest closes. With arguments, only pytest runs."""
    install_system_packages()
    if not pytest_arguments:
        for check in (
            ("ruff", "check", "."),
            ("ruff", "format", "--check", "."),
            ("mypy",),
            ("importlinter.cli", "lint-imports"),
        ):
            if code := run(python, "-m", *check):
                print(f"{check[0]} failed: see above.", file=sys.stderr)
                return code
    return run(python, "-m", "pytest", *(pytest_arguments or ("-n", "2", "--dist", "worksteal")))


def install(*, groups: tuple[str, ...]) -> Path:
    """Make or refresh `.venv`; nothing is done when the project's requirements have not changed."""
    python = ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = ENVIRONMENT / "ghostcat-installed"
    wanted = fingerprint(groups)
    if python.exists() and stamp.exists() and wanted in stamp.read_text().split():
        return python
    if not python.exists():
        print(f"Making an environment in {ENVIRONMENT} …", flush=True)
        make_environment()
    print("Installing ghostcat and what it needs (some minutes the first time) …", flush=True)
    requirements = [r for group in groups for r in group_requirements(group)]
    pip = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-warn-script-location")
    if code := run(python, *pip, "-c", str(HOME / "constraints.txt"), "-e", str(HOME), *requirements):
        sys.exit(f"The installation failed (code {code}). Is the network there? It is needed this once.")
    seen = stamp.read_text().split() if stamp.exists() else []
    stamp.write_text("\n".join([*seen, wanted]))
    return python


def make_environment() -> None:
    try:
        venv.create(ENVIRONMENT, with_pip=True)
    except (subprocess.CalledProcessError, ImportError, SystemExit):
        shutil.rmtree(ENVIRONMENT, ignore_errors=True)
        if not apt_install("python3-venv"):
            sys.exit("Python's venv module is incomplete. On Debian or Ubuntu: sudo apt install python3-venv")
        run(Path(sys.executable), "-m", "venv", str(ENVIRONMENT))


def fingerprint(groups: tuple[str, ...]) -> str:
    digest = hashlib.sha256(f"{sys.version_info[:2]} {groups} {HOME}".encode())
    for name in ("pyproject.toml", "constraints.txt"):
        digest.update((HOME / name).read_bytes())
    return digest.hexdigest()


def group_requirements(group: str) -> list[str]:
    import tomllib

    with (HOME / "pyproject.toml").open("rb") as file:
        return list(tomllib.load(file)["dependency-groups"][group])


def install_system_packages() -> None:
    """PostgreSQL and a browser, where the system lets us; the tests say what they miss elsewhere."""
    missing = [package for program, (package, _) in SYSTEM_PACKAGES.items() if not is_there(program)]
    if missing and not apt_install(*missing):
        print(f"Not installed: {', '.join(missing)}. The tests that need them will be skipped and say so.")
    for program, (_, required) in SYSTEM_PACKAGES.items():
        if is_there(program):
            os.environ.setdefault(required, "1")


def is_there(program: str) -> bool:
    return bool(shutil.which(program)) or any(Path("/usr/lib/postgresql").glob(f"*/bin/{program}"))


def apt_install(*packages: str) -> bool:
    apt = shutil.which("apt-get")
    if apt is None or not hasattr(os, "geteuid") or os.geteuid() != 0:
        return False
    quiet = {"env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}, "stdout": subprocess.DEVNULL}
    subprocess.run([apt, "update"], check=False, **quiet)  # type: ignore[call-overload]
    command = [apt, "install", "-y", "--no-install-recommends", *packages]
    return subprocess.run(command, check=False, **quiet).returncode == 0  # type: ignore[call-overload]


def run(program: Path, *arguments: str) -> int:
    return subprocess.run([str(program), *arguments], cwd=HOME, check=False).returncode


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
