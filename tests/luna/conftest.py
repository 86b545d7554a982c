"""A client that speaks as the Luna SDK does, and finds fault with whatever the SDK would stumble over."""

import json

import pytest
from django.core.serializers.json import DjangoJSONEncoder
from django.test import Client
from django.utils import timezone

from audit.models import Event
from organizations import services
from tests.conftest import SECRET


class SdkClient(Client):
    """Paths are below `base`, bodies are JSON; text and bytes go out as they are."""

    def __init__(self, base, **kwargs):
        super().__init__(raise_request_exception=False, **kwargs)
        self.base = base

    def generic(self, method, path, data="", content_type="application/json", **kwargs):
        if not isinstance(data, str | bytes):
            data = json.dumps(data)
        answer = super().generic(method, self.base + path, data, content_type, **kwargs)
        check_answer(answer)
        return answer

    def post(self, path, data="", **kwargs):
        return self.generic("POST", path, data, **kwargs)

    def patch(self, path, data="", **kwargs):
        return self.generic("PATCH", path, data, **kwargs)


def check_answer(answer):
    assert not 300 <= answer.status_code < 400, "the SDK takes a redirect for an error"
    assert SECRET.encode() not in answer.content
    assert SECRET not in str(answer.headers)
    if answer.status_code >= 400 and answer.request["REQUEST_METHOD"] != "HEAD":
        body = answer.json()
        if answer.status_code == 401:
            assert "internal_code" not in body, "the SDK would not say that the key is wrong"
        else:
            assert body["internal_code"].isupper()
            assert body["message"]


@pytest.fixture
def luna():
    """luna(member): a program with a key of this member's, which may do all that the member may, or only `scopes`."""

    def client_for(member, base="/luna-solve/api/v1", **key):
        raw_key = services.issue_key(name="test", by=member, now=timezone.now(), **key)[1]
        return SdkClient(base, headers={"Luna-API-Key": raw_key})

    return client_for


@pytest.fixture
def anybody(db):
    """A program without a key."""
    return SdkClient("/luna-solve/api/v1")


@pytest.fixture(autouse=True)
def no_secret_leaves(db, caplog, capsys):
    """After each test: no uploaded secret is in the logs, on the terminal or in the audit log."""
    caplog.set_level("INFO")
    yield
    logged = "\n".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records)
    assert SECRET not in logged + caplog.text
    assert SECRET not in "".join(capsys.readouterr())
    assert SECRET not in json.dumps(list(Event.objects.values()), cls=DjangoJSONEncoder)


@pytest.fixture
def history(db):
    """history(): what happened to tokens since this fixture was set up, as pairs of action and name; oldest first."""
    events = Event.objects.filter(target_type="tokens.QpuToken").order_by("id").values_list("action", "target")
    before = len(events)
    return lambda: list(events.all())[before:]
