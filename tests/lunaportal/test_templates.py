import re
from pathlib import Path

import pytest
from django.conf import settings
from django.template.utils import get_app_template_dirs

TEMPLATES = settings.BASE_DIR / "templates"
NAMES = sorted(str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*.*"))
BY_DJANGO = {f"{name}.html" for name in ("400", "403", "403_csrf", "404", "429", "500")}


@pytest.fixture(scope="module")
def sources():
    """Everything that may name a template, by path."""
    apps = {settings.BASE_DIR / name.split(".")[0] for name in settings.INSTALLED_APPS}
    files = [path for app in apps if app.is_dir() for path in app.rglob("*.py")]
    return {path: path.read_text() for path in [*files, *TEMPLATES.rglob("*.*")]}


def overrides_a_package(name):
    return any(Path(folder, name).exists() for folder in get_app_template_dirs("templates"))


@pytest.mark.parametrize("name", NAMES)
def test_no_template_is_unused(name, sources):
    names = {f'"{name}"', f'"{re.sub("_(subject|message).txt$", "", name)}"'}  # both parts of a mail have one name
    named = any(any(map(text.__contains__, names)) for path, text in sources.items() if path != TEMPLATES / name)

    assert named or name in BY_DJANGO or overrides_a_package(name), f"Nothing uses templates/{name}."
