"""Pages say in the reader's language why a job has failed; programs, and the database, keep the English words."""

import ast
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import translation

from quotas.policies import Limit, Reason, Refusal, Subject, Window
from solving.failures import PATTERNS, in_words
from tests.conftest import solved_job

SOURCES = [
    *sorted((settings.BASE_DIR / "solving/engine").glob("*.py")),
    *(settings.BASE_DIR / "solving" / f"{name}.py" for name in ("worker", "queue", "qpu_jobs", "hybrid", "qpus")),
]
TELLING = {"Refused", "end_stuck", "ValidationError", "PermissionDenied"}
RULES = settings.BASE_DIR / "gateway/rules.py"  # its ValidationErrors are for who sets them
MAY = datetime(2026, 5, 3, 14, 5, tzinfo=UTC)
WINDOW = Window(MAY, MAY + timedelta(days=365))


def text_of(node: ast.expr) -> str | None:
    """A text of the source, with X in its gaps; of two that it may be the second."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.IfExp(orelse=other):
            return text_of(other)
        case ast.JoinedStr(values=parts):
            return "".join(
                text_of(part.value if isinstance(part, ast.FormattedValue) else part) or "X" for part in parts
            )
    return None


def told(source: Path, telling: set[str]) -> Iterator[str]:
    """What the code tells people whose jobs have failed."""
    for node in ast.walk(ast.parse(source.read_text())):
        match node:
            case ast.Call(func=ast.Name(id=name), args=arguments) if name in telling:
                yield from filter(None, map(text_of, arguments))
            case ast.Assign(targets=[ast.Name(id="message" | "UNREADABLE")], value=value):
                yield from filter(None, [text_of(value)])


def rest_of(message):
    """What no known sentence covers."""
    for pattern in PATTERNS.values():
        message = pattern.sub("", message)
    return message.strip()


def test_every_sentence_that_the_code_tells_is_known():
    texts = [*told(RULES, {"Refused"}), *(text for source in SOURCES for text in told(source, TELLING))]
    sentences = [text for text in texts if " " in text]

    assert len(sentences) > 25
    assert [sentence for sentence in sentences if rest_of(sentence) not in {"", "X"}] == []


@pytest.mark.parametrize(("subject", "reason", "used_ns"), [*product(Subject, Reason, [0, 10**9])])
def test_so_is_every_refusal_of_a_quota(subject, reason, used_ns):
    limit = Limit(subject, 3_600_000 * 10**9 + 1, used_ns, 0, WINDOW)

    assert rest_of(f"The job does not fit. {Refusal(limit, reason, 15_148_020)}") == ""


@pytest.mark.parametrize(
    ("message", "german"),
    [
        ("The model has no variables.", "Das Modell hat keine Variablen."),
        ("3 workers have ended while they ran this job.", "3 Worker endeten, während sie diesen Job ausführten."),
        (
            "For this model time_limit must be 2.5 to 86400 seconds.",
            "Für dieses Modell muss time_limit 2,5 bis 86400 Sekunden sein.",
        ),
        (
            "The job does not fit. Refused by the group quota of this token: needs about 15.2 ms, 1.5 ms left of "
            "8,760 h. That changes when an admin raises the quota.",
            "Der Job passt nicht. Abgelehnt vom Gruppenkontingent dieses Tokens: Nötig sind etwa 15,2 ms, übrig sind "
            "1,5 ms von 8.760 h. Das ändert sich, wenn ein Admin das Kontingent erhöht.",
        ),
        (
            "D-Wave could not solve the problem: Invalid parameter 50% <b>",
            "D-Wave konnte das Problem nicht lösen: Invalid parameter 50% <b>",
        ),
        ("What nobody has foreseen.", "What nobody has foreseen."),
        ("", ""),
    ],
)
def test_known_sentences_are_translated_and_others_stay(message, german):
    with translation.override("de"):
        assert in_words(message) == german
    with translation.override("en"):
        assert in_words(message) == message


@pytest.mark.django_db
class TestPage:
    def failed(self, bob, message):
        return solved_job(bob, status="FAILED", result=None, error_message=message)

    def test_it_says_why_in_the_language_of_the_page(self, browser, bob):
        job = self.failed(bob, "The solver refuses these parameters: <num_reads>")

        page = browser(bob).get(f"/o/acme/jobs/solve/{job.pk}", headers={"Accept-Language": "de"}).text

        assert "<p>Der Solver lehnt diese Parameter ab: &lt;num_reads&gt;</p>" in page

    def test_what_stays_english_is_marked_as_such(self, browser, bob):
        job = self.failed(bob, "Nobody has foreseen this.")

        page = browser(bob).get(f"/o/acme/jobs/solve/{job.pk}", headers={"Accept-Language": "de"}).text

        assert '<p lang="en">Nobody has foreseen this.</p>' in page

    def test_programs_get_the_english_words(self, api, bob):
        job = self.failed(bob, "The model has no variables.")

        answer = api(bob).get(f"/api/v1/solve-jobs/metadata/{job.pk}", headers={"Accept-Language": "de"})

        assert answer.json()["error_message"] == "The model has no variables."
