import sys

import pytest
from cryptography.fernet import Fernet
from django.core import signing

from lunaportal.redaction import HIDDEN, describe_exception, redact, redact_text

SECRETS = {
    "portal key": "luna_" + "Ab3-_xY9" * 5,
    "digest": "0123456789abcdef" * 4,
    "D-Wave token": "DEV-" + "0123456789abcdef" * 2 + "01234567",
    "Fernet": Fernet(Fernet.generate_key()).encrypt(b"x").decode(),
    "verification link": signing.dumps(7, salt="account"),
    "invitation": signing.Signer(salt="x").sign("7"),
    "reset key": "1a-c5rt2k-0123456789abcdef0123456789abcdef",
    "AWS": "tiny5XUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
    "AWS by name": '{"aws_secret_access_key": "tiny"}',
    "bearer": "Bearer short.key~1",
    "dict": "{'token': 'tiny', 'name': 'a'}",
    "json": '{"password": "correct horse, battery"}',
    "assignment": "api_key=tiny",
    "header": "Luna-API-Key: tiny",
    "cookie": "Cookie: sessionid=abc; csrftoken=def",
}


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
def test_it_hides_what_looks_like_a_secret(secret):
    words = redact_text(f"before {secret}\nafter")

    assert words.startswith("before ")
    assert words.endswith("\nafter")
    assert HIDDEN in words
    for part in ("Ab3-_xY9", "0123456789abcdef", "gAAAA", "short", "tiny", "battery", "abc", "def"):
        assert part not in words.replace("before", "").replace("after", "")


@pytest.mark.parametrize(
    "words",
    [
        "The token expired.",
        "quota 12345678901234567890123456789012 ns",
        "0001_initial accounts.models.User /admin/accounts/user/<path:object_id>/change/",
        "GET /luna-solve/api/v1/qpu-tokens/shared/quota/user/<str:token_name>/<str:email>",
        "447def78-6efb-405f-aa65-c5c1bc19057b",
        "2026-07-01T08:00:00.123456Z",
        "django.db.utils.OperationalError: no such table: accounts_user",
    ],
)
def test_it_leaves_other_words_alone(words):
    assert redact_text(words) == words


def test_it_goes_by_names_and_into_nested_values():
    record = {
        "token": "tiny",
        "token_name": "lab",
        "dwave_token": b"tiny",
        "headers": [{"Luna-API-Key": "tiny", "X-Auth-Token": "tiny", "Cookie": "tiny", "Accept": "any"}],
        "count": 3,
        "fine": True,
        "none": None,
    }

    assert redact(record) == {
        "token": HIDDEN,
        "token_name": "lab",
        "dwave_token": HIDDEN,
        "headers": [{"Luna-API-Key": HIDDEN, "X-Auth-Token": HIDDEN, "Cookie": HIDDEN, "Accept": "any"}],
        "count": 3,
        "fine": True,
        "none": None,
    }


def test_it_goes_by_the_text_of_other_objects():
    class Thing:
        def __repr__(self):
            return "<Thing token='tiny'>"

    assert redact({"thing": Thing(), "raw": b"token=tiny"}) == {
        "thing": f"<Thing token={HIDDEN}>",
        "raw": f"b'token={HIDDEN}",
    }


def test_a_traceback_shows_lines_but_no_locals_and_no_secrets():
    def fail(token):
        raise ValueError(f"bad {token} in {{'secret': 'tiny'}}")

    try:
        fail(token=SECRETS["D-Wave token"])
    except ValueError:
        words = describe_exception(sys.exc_info())

    assert "in fail" in words
    assert "token=SECRETS" in words
    assert words.endswith(f"ValueError: bad {HIDDEN} in {{'secret': {HIDDEN}}}")
    assert "0123456789abcdef" not in words
