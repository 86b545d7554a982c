"""docs/security.md names a test for what it claims: here they are, and no requirement is left out."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
TEXT = (ROOT / "docs/security.md").read_text()

# All of levels 1 and 2 of ASVS 5.0.0.
REQUIRED = """
1.1.1-2 1.2.1-9 1.3.1-11 1.4.1-3 1.5.1-2 2.1.1-3 2.2.1-3 2.3.1-4 2.4.1 3.2.1-2 3.3.1-4 3.4.1-6 3.5.1-5 3.7.1-2
4.1.1-3 4.2.1 4.3.1-2 4.4.1-4 5.1.1 5.2.1-3 5.3.1-2 5.4.1-3 6.1.1-3 6.2.1-12 6.3.1-4 6.4.1-4 6.5.1-5 6.6.1-3 6.8.1-4
7.1.1-3 7.2.1-4 7.3.1-2 7.4.1-5 7.5.1-2 7.6.1-2 8.1.1-2 8.2.1-3 8.3.1 8.4.1 9.1.1-3 9.2.1-4 10.1.1-2 10.2.1-2
10.3.1-4 10.4.1-11 10.5.1-5 10.6.1-2 10.7.1-3 11.1.1-2 11.2.1-3 11.3.1-3 11.4.1-4 11.5.1 11.6.1 12.1.1-3 12.2.1-2
12.3.1-4 13.1.1 13.2.1-5 13.3.1-2 13.4.1-5 14.1.1-2 14.2.1-4 14.3.1-3 15.1.1-3 15.2.1-3 15.3.1-7 16.1.1 16.2.1-5
16.3.1-4 16.4.1-3 16.5.1-3 17.1.1 17.2.1-4 17.3.1-2
"""


def key(number):
    return tuple(map(int, number.split(".")))


def required():
    numbers = []
    for group in REQUIRED.split():
        first, _, last = group.partition("-")
        *section, start = key(first)
        numbers += [(*section, number) for number in range(start, int(last or start) + 1)]
    return numbers


def spans():
    """What the first cells of the tables cover: (first, last), both included."""
    for cell in re.findall(r"^\| (\d+\.[\d., -]+) \|", TEXT, re.MULTILINE):
        for part in cell.split(", "):
            first, _, last = part.partition("-")
            yield key(first), key(last or first)


def test_every_requirement_has_its_line():
    covered = list(spans())

    assert len(required()) == 253
    assert not [number for number in required() if not any(first <= number <= last for first, last in covered)]


def named_in(path):
    """The tests and classes of tests in a file, as pytest calls them."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        if isinstance(node, ast.ClassDef):
            yield from (f"{node.name}::{each.name}" for each in node.body if isinstance(each, ast.FunctionDef))


TESTS = sorted(set(re.findall(r"`((?:\w+/)*test_\w+\.py(?:::\w+)*)`", TEXT)))


@pytest.mark.parametrize("test", TESTS)
def test_every_test_that_is_named_is_there(test):
    file, _, name = test.partition("::")
    path = ROOT / "tests" / file

    assert path.is_file()
    assert not name or name in named_in(path)


def test_many_are_named():
    assert len(TESTS) > 50
