"""Which addresses belong to programs: there every refusal is JSON, and nothing ever redirects."""

API_ROOTS = frozenset({"api", "luna-solve", "luna-q", "dwave"})


def is_api(path: str) -> bool:
    return path.lstrip("/").partition("/")[0] in API_ROOTS
