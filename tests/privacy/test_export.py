"""People, and operators for them, get everything that the portal knows of them; and no secrets."""

import json
from io import StringIO

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.hashers import make_password
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from audit.models import Event
from gateway.models import Upload
from organizations import services
from privacy.export import as_json, sections
from quotas.services import assign_quota
from tests.conftest import SECRET, send_problem, solved_job

ADDRESS = "/accounts/data/"


@pytest.fixture
def lived_in(alice, bob, charlie, lab_token, bobs_token):
    """Bob has left something everywhere; so has Alice."""
    now = timezone.now()
    for member in (alice, bob):
        Authenticator.objects.create(
            user=member.user, type=Authenticator.Type.TOTP, data={"secret": "seed of a factor"}
        )
        assign_quota(token=lab_token, member=member, quota_ns=10**9, by=alice, now=now)
        send_problem(token=lab_token, by=member, now=now, label=f"label of {member.user.email}")
        Upload.objects.create(upstream_id=member.user.email, token_id=lab_token.pk, user_id=member.user_id)
        solved_job(member)
    services.invite_all(emails=["bob@example.com"], role="member", by=charlie, now=now)


def exported(member):
    return json.loads("".join(as_json(member.user)))


class TestWhatIsInIt:
    def test_everything_of_theirs(self, bob, lived_in):
        data = exported(bob)

        assert data["account"][0]["email"] == "bob@example.com"
        assert [row["organization__name"] for row in data["memberships"]] == ["Acme"]
        assert [row["name"] for row in data["qpu_tokens"]] == ["mine"]
        assert [row["problem__label"] for row in data["jobs"]] == ["label of bob@example.com"]
        assert data["models"][0]["data"] == "YSBtb2RlbA=="
        assert data["solve_jobs"][0]["result"] == "YSBzb2x1dGlvbg=="
        empty = {name for name, rows in data.items() if not rows}
        assert empty == {"single_sign_on", "sessions", "refused_jobs"}

    def test_nothing_of_anybody_elses(self, bob, lived_in):
        text = json.dumps([rows for name, rows in exported(bob).items() if name not in {"invitations", "audit_log"}])

        assert "alice@example.com" not in text

    def test_no_secrets(self, bob, lived_in):
        bob.user.password = make_password("a password")
        bob.user.save()
        key = bob.keys.get()
        text = json.dumps(exported(bob))

        for secret in (
            SECRET,
            key.digest,
            bob.user.password,
            "seed of a factor",
            bob.user.qpu_tokens.get().secret_digest,
        ):
            assert secret not in text

    def test_who_has_nothing_gets_json_all_the_same(self, charlie):
        charlie.delete()

        assert exported(charlie).keys() == sections(charlie.user).keys()


class TestPage:
    def test_it_is_a_file_and_is_audited(self, browser, bob):
        answer = browser(bob).get(ADDRESS)

        data = json.loads(b"".join(answer.streaming_content))
        assert data["account"][0]["email"] == "bob@example.com"
        assert answer["Content-Disposition"] == 'attachment; filename="luna-portal-my-data.json"'
        assert "no-store" in answer["Cache-Control"]
        assert [event.actor for event in Event.objects.with_action("data_exported")] == ["bob@example.com"]

    def test_it_asks_first_whether_it_is_really_them(self, bob):
        bob.user.set_password("correct horse battery staple")
        bob.user.save()
        long_signed_in = Client()
        long_signed_in.force_login(bob.user, backend="allauth.account.auth_backends.AuthenticationBackend")

        assert long_signed_in.get(ADDRESS)["Location"].startswith("/accounts/reauthenticate/")


class TestCommand:
    def test_it_writes_the_same(self, bob, lived_in):
        out = StringIO()
        call_command("export_user", "Bob@example.com", stdout=out)

        assert json.loads(out.getvalue())["account"][0]["email"] == "bob@example.com"
        assert Event.objects.with_action("data_exported").get().target == "bob@example.com"

    def test_nobody_is_nobody(self, db):
        with pytest.raises(CommandError, match="Nobody signs in"):
            call_command("export_user", "nobody@example.com")
