#!/usr/bin/env python3
"""Django's command line. In a checkout that ./dev has prepared any python3 will do: it goes on in .venv."""

import os
import sys
from pathlib import Path


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "lunaportal.settings")
    try:
        from django.core.management import execute_from_command_line
    except ImportError:
        python = Path(__file__).resolve().parent / ".venv/bin/python"
        if not python.exists() or Path(sys.prefix) == python.parent.parent:
            sys.exit(
                "Django is not installed. Run ./dev up, or install requirements.txt in an environment of your own."
            )
        os.execv(python, [str(python), *sys.argv])  # noqa: S606  a shell is what we do without
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
