from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType

import pytest

from ghostcat.language import LANGUAGES
from ghostcat.report import ReportFiles, write_report

VOID = {"meta", "link", "img", "br", "input", "hr", "circle", "line", "rect", "path", "use", "image"}


@dataclass
class Node:
    """One element with what is around it."""

    tag: str
    attributes: dict[str, str]
    parents: list[Node]
    text: list[str] = field(default_factory=list)

    def inherits(self, name: str, value: str) -> bool:
        return any(node.attributes.get(name) == value for node in [*self.parents, self])

    @property
    def classes(self) -> set[str]:
        return set(self.attributes.get("class", "").split())

    def inside(self, name: str) -> bool:
        return any(name in node.classes for node in [*self.parents, self])


class Page(HTMLParser):
    """A page as a list of elements; raises AssertionError where tags do not nest."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.nodes: list[Node] = []
        self.open: list[Node] = []
        self.pieces: list[tuple[str, Node]] = []
        self.source = text
        self.feed(text)
        self.close()
        assert not self.open, f"never closed: {[node.tag for node in self.open]}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"<{tag}> says {names} twice"
        node = Node(tag, {name: value or "" for name, value in attrs}, list(self.open))
        self.nodes.append(node)
        if tag not in VOID:
            self.open.append(node)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.nodes.append(Node(tag, {name: value or "" for name, value in attrs}, list(self.open)))

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID and (not self.open or self.open[-1].tag != tag):
            return
        assert self.open and self.open[-1].tag == tag, f"</{tag}> closes {[node.tag for node in self.open]}"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if self.open:
            self.pieces.append((data, self.open[-1]))
            for node in self.open:
                node.text.append(data)

    def find(self, tag: str = "", **attributes: str) -> list[Node]:
        return [
            node
            for node in self.nodes
            if (not tag or node.tag == tag)
            and all(
                value in node.attributes.get(name.rstrip("_"), "").split()
                for name, value in attributes.items()
            )
        ]

    def text(self) -> str:
        body = self.find("body")[0]
        return " ".join("".join(body.text).split())


@pytest.fixture(scope="session")
def samples() -> ModuleType:
    """`sample_portrait.py`, which is no test and is on no path."""
    path = Path(__file__).with_name("sample_portrait.py")
    spec = importlib.util.spec_from_file_location("ghostcat_sample_portrait", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def read_page() -> Callable[[Path], Page]:
    return lambda path: Page(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def parse_page() -> Callable[[str], Page]:
    return Page


@pytest.fixture(scope="session")
def reports(
    samples: ModuleType, tmp_path_factory: pytest.TempPathFactory
) -> dict[tuple[str, str], ReportFiles]:
    """Every sample in every language: (sample, language) → files."""
    written = {}
    for kind in ("rich", "refused", "empty", "hostile"):
        portrait = getattr(samples, f"{kind}_portrait")()
        folder = tmp_path_factory.mktemp(kind)
        for lang in LANGUAGES:
            written[kind, lang] = write_report(portrait, folder, lang=lang, load_photo=samples.photograph)
    return written
