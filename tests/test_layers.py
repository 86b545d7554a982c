"""Imports go one way: an app imports only apps below it, so that each can be read without those above."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LAYERS = [  # bottom first
    "monitoring",
    "encryption",
    "audit",
    "accounts",
    "organizations",
    "tokens",
    "quotas",
    "gateway",
    "solving",
    "privacy",
    "luna",
    "lunaportal",
]
MAY_IMPORT = {app: set(LAYERS[:height]) for height, app in enumerate(LAYERS)} | {"emulator": set()}


def imported_packages(source: str) -> Iterator[tuple[int, str]]:
    """Line and package of every absolute import, also of those inside functions."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name.split(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.lineno, node.module.split(".")[0]


def violations(root: Path) -> list[str]:
    """Where code under `root` imports an app that is not below its own."""
    return [
        f"{path.relative_to(root)}:{line} imports {package}"
        for app in MAY_IMPORT
        for path in sorted((root / app).rglob("*.py"))
        for line, package in imported_packages(path.read_text())
        if package in MAY_IMPORT.keys() - MAY_IMPORT[app] - {app}
    ]


def test_imports_go_down_only():
    assert violations(ROOT) == []


def test_every_app_has_its_place():
    apps = {path.parent.name for path in ROOT.glob("*/apps.py")}

    assert apps <= MAY_IMPORT.keys()


class TestTheCheckItself:
    @pytest.mark.parametrize(
        ("app", "code"),
        [
            ("tokens", "from quotas.models import Usage"),
            ("tokens", "import quotas.models"),
            ("tokens", "import os, quotas as q"),
            ("tokens", "def late():\n    if True:\n        from quotas import services"),
            ("tokens", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from quotas.models import Usage"),
            ("encryption", "import audit"),
            ("luna", "import lunaportal"),
            ("emulator", "import encryption"),
            ("lunaportal", "import emulator"),
        ],
    )
    def test_it_notices_an_import_of_something_above(self, tmp_path, app, code):
        module = tmp_path / app / "deep" / "module.py"
        module.parent.mkdir(parents=True)
        module.write_text(code)

        assert [found.partition(":")[0] for found in violations(tmp_path)] == [f"{app}/deep/module.py"]

    @pytest.mark.parametrize(
        "code",
        [
            "from organizations.models import Membership",
            "from tokens.models import QpuToken",
            "from .quotas import something",
            "from . import quotas",
            "import quotas_of_others",
            "import django",
        ],
    )
    def test_it_lets_the_rest_pass(self, tmp_path, code):
        (tmp_path / "tokens").mkdir()
        (tmp_path / "tokens" / "module.py").write_text(code)

        assert violations(tmp_path) == []
