"""Which addresses belong to programs: there every refusal is JSON, and nothing ever redirects."""

API_PREFIXES = ("/api/", "/luna-solve/", "/luna-q/", "/dwave/")


def is_api(path: str) -> bool:
    return path.startswith(API_PREFIXES)
