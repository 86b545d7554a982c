"""What the doors have in common: uploading, renaming, replacing and deleting, for callers who know a token's past."""

from functools import partial

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, connection, transaction
from django.http import Http404
from django.utils import timezone

from audit import log
from audit.models import Event
from organizations.errors import Conflict
from tests.conftest import SECRET
from tokens import services
from tokens.models import QpuToken


def actions():
    return list(Event.objects.filter(target_type="tokens.QpuToken").order_by("id").values_list("action", flat=True))


@pytest.fixture
def stale(lab_token):
    """The token as somebody knows it who looked it up a moment ago."""
    return QpuToken.objects.get()


class TestUpload:
    def test_a_group_s_history_is_the_organization_s(self, alice, lab_token):
        event = Event.objects.get(action="token_uploaded")
        assert event.organization_id == alice.organization_id
        assert event.details == {"provider": "dwave"}

    def test_a_personal_one_s_history_is_no_organization_s(self, bobs_token):
        assert Event.objects.get(action="token_uploaded").organization_id is None

    @pytest.mark.parametrize(
        "wrong", [{"provider": "fujitsu"}, {"name": ""}, {"name": "a/b"}, {"secret": ""}, {"secret": "ä"}]
    )
    def test_nonsense_is_refused(self, alice, wrong):
        fields = {"scope": "personal", "provider": "dwave", "name": "t", "secret": "s"}
        with pytest.raises(ValidationError):
            services.upload_token(**fields | wrong, by=alice)
        assert not QpuToken.objects.exists()

    def test_equal_secrets_are_told_without_decrypting(self, alice, bob, charlie, lab_token, bobs_token):
        same = {"provider": "dwave", "secret": f" {SECRET}\n"}
        twin = services.upload_token(scope="group", name="twin", by=alice, **same)
        elsewhere = services.upload_token(scope="group", name="globex", by=charlie, **same)
        services.upload_token(scope="group", name="other", by=alice, provider="dwave", secret="another")
        assert services.same_secret_as(twin, seen_by=alice) == ["lab"]
        assert services.same_secret_as(bobs_token, seen_by=bob) == []
        assert services.same_secret_as(elsewhere, seen_by=charlie) == []


class TestRename:
    def test_a_token_that_is_gone_by_then_is_404(self, alice, lab_token, stale):
        services.delete_token(token=lab_token, by=alice)
        with pytest.raises(Http404):
            services.rename_token(token=stale, name="new", by=alice)
        assert actions() == ["token_uploaded", "token_deleted"]

    def test_it_writes_down_the_name_that_it_replaces(self, alice, lab_token, stale):
        services.rename_token(token=lab_token, name="new", by=alice)
        services.rename_token(token=stale, name="newer", by=alice)
        assert Event.objects.latest("id").details == {"former_name": "new"}

    def test_what_somebody_else_did_already_is_not_done_again(self, alice, lab_token, stale):
        services.rename_token(token=lab_token, name="new", by=alice)
        assert services.rename_token(token=stale, name="new", by=alice).name == "new"
        assert actions() == ["token_uploaded", "token_renamed"]

    def test_a_taken_name_is_a_conflict(self, alice, lab_token):
        other = services.upload_token(scope="group", provider="dwave", name="other", secret="s", by=alice)
        with pytest.raises(Conflict):
            services.rename_token(token=other, name="lab", by=alice)


class TestReplaceSecret:
    def test_the_new_one_takes_its_place(self, alice, lab_token, stale):
        now = timezone.now()
        services.replace_secret(token=stale, secret=" new-secret ", by=alice, now=now)
        token = QpuToken.objects.get()
        assert (token.secret, token.secret_changed_at, token.name) == ("new-secret", now, "lab")
        assert token.secret_digest == services.digest_secret("new-secret")
        assert actions() == ["token_uploaded", "secret_replaced"]

    @pytest.mark.parametrize("secret", ["", " \n", "a\nb", "ä", "x" * (services.MAX_SECRET_LENGTH + 1)])
    def test_nonsense_is_refused(self, alice, lab_token, secret):
        with pytest.raises(ValidationError):
            services.replace_secret(token=lab_token, secret=secret, by=alice, now=timezone.now())
        assert QpuToken.objects.get().secret == SECRET

    def test_a_token_that_is_gone_by_then_is_404(self, alice, lab_token, stale):
        services.delete_token(token=lab_token, by=alice)
        with pytest.raises(Http404):
            services.replace_secret(token=stale, secret="new", by=alice, now=timezone.now())
        assert not QpuToken.objects.exists()

    def test_a_new_name_survives(self, alice, lab_token, stale):
        services.rename_token(token=lab_token, name="new", by=alice)
        services.replace_secret(token=stale, secret="new-secret", by=alice, now=timezone.now())
        assert QpuToken.objects.get().name == Event.objects.latest("id").target == "new"


class TestDelete:
    def test_a_second_one_is_404_and_leaves_no_line(self, alice, lab_token, stale):
        services.delete_token(token=lab_token, by=alice)
        with pytest.raises(Http404):
            services.delete_token(token=stale, by=alice)
        assert actions() == ["token_uploaded", "token_deleted"]


@pytest.mark.parametrize(
    "change",
    [
        partial(services.rename_token, name="new"),
        partial(services.replace_secret, secret="new", now=timezone.now()),
        services.delete_token,
    ],
)
def test_without_its_line_in_the_audit_log_nothing_changes(alice, lab_token, monkeypatch, change):
    def fail(*args, **kwargs):
        raise RuntimeError("The audit log cannot be written.")

    monkeypatch.setattr(log, "record", fail)
    with pytest.raises(RuntimeError):
        change(token=lab_token, by=alice)
    token = QpuToken.objects.get()
    assert (token.name, token.secret) == ("lab", SECRET)


class TestDatabase:
    def test_it_refuses_a_token_of_nobody_and_one_of_two(self, alice, lab_token):
        for owners in ({"owner": alice.user}, {"organization": None}):
            with pytest.raises(IntegrityError), transaction.atomic():
                QpuToken.objects.update(**owners)

    def test_it_does_not_hold_secrets_in_clear(self, lab_token):
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM tokens_qputoken")
            assert SECRET not in str(cursor.fetchall())
