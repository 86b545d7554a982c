"""Tokens that come with a job: kept for this job alone, seen and named by nobody, wiped at its end."""

import pytest
from django.core.exceptions import ValidationError
from django.http import Http404
from django.utils import timezone

from audit.models import Event
from gateway.services import enter
from gateway.wire import Refusal
from organizations.services import issue_key
from quotas.models import Usage
from quotas.services import can_run, reserve
from tests.conftest import SECRET
from tokens.access import find_token
from tokens.models import QpuToken
from tokens.services import (
    INLINE_NAME,
    delete_inline_token,
    rename_token,
    same_secret_as,
    upload_inline_token,
    upload_token,
)

URL = "/api/v1/organizations/acme/qpu-tokens"
LUNA = "/luna-solve/api/v1/qpu-tokens"


@pytest.fixture
def inline(bob):
    return upload_inline_token(provider="dwave", secret=f" {SECRET}\n", by=bob)


def actions():
    return list(Event.objects.filter(target_type="tokens.QpuToken").order_by("id").values_list("action", flat=True))


class TestUpload:
    def test_it_belongs_to_the_member_and_is_encrypted_like_others(self, bob, inline):
        token = QpuToken.objects.get()

        assert (token.name, token.owner, token.organization) == ("inline", bob.user, None)
        assert token.is_inline
        assert token.secret == SECRET

    def test_its_use_is_audited_and_names_no_organization(self, bob, inline):
        event = Event.objects.get(target_type="tokens.QpuToken")

        assert (event.action, event.actor_id, event.organization_id) == ("secret_used", bob.user_id, None)
        assert event.details == {"provider": "dwave"}

    def test_a_member_can_have_many(self, bob):
        for provider in ("dwave", "dwave", "ibm"):
            upload_inline_token(provider=provider, secret=SECRET, by=bob)

        assert QpuToken.objects.filter(is_inline=True).count() == 3

    @pytest.mark.parametrize("wrong", [{"provider": "fujitsu"}, {"secret": " "}, {"secret": "a\nb"}])
    def test_nonsense_is_refused(self, bob, wrong):
        with pytest.raises(ValidationError):
            upload_inline_token(**{"provider": "dwave", "secret": SECRET} | wrong, by=bob)
        assert not QpuToken.objects.exists()

    def test_its_job_can_be_booked(self, bob, inline):
        usage = reserve(token=inline, by=bob, estimate_ns=1000, source=Usage.Source.GATEWAY, now=timezone.now())

        assert (usage.token_id, usage.user_id) == (inline.pk, bob.user_id)
        assert can_run(token=inline, member=bob, needed_ns=1, now=timezone.now()).allowed


class TestDelete:
    def test_it_is_gone_and_that_is_audited_once(self, inline):
        for _ in range(2):
            delete_inline_token(token_id=inline.pk)

        assert not QpuToken.objects.exists()
        assert actions() == ["secret_used", "token_deleted"]
        assert Event.objects.latest("id").actor == ""

    def test_no_other_token_is_deleted_so(self, lab_token, bobs_token):
        for token in (lab_token, bobs_token):
            delete_inline_token(token_id=token.pk)

        assert QpuToken.objects.count() == 2


class TestNobodySeesIt:
    @pytest.mark.parametrize("scope", ["personal", "group"])
    def test_no_lookup_finds_it(self, alice, bob, inline, scope):
        for member in (alice, bob):
            assert not QpuToken.objects.of(member, scope).exists()
            assert not QpuToken.objects.visible_to(member).exists()
            with pytest.raises(Http404):
                find_token(member, scope, INLINE_NAME)

    def test_no_list_shows_it(self, api, browser, bob, inline):
        program = api(bob)

        for query in ("", "?scope=personal", "?provider=dwave", "?search=inline", "?order=-id"):
            assert program.get(f"{URL}{query}").json()["results"] == []
        for query in ("", "?token_type=private", "?filter_provider=dwave"):
            answer = program.get(f"{LUNA}{query}")
            assert answer.status_code == 200
            assert b"inline" not in answer.content
        assert "inline" not in browser(bob).get("/o/acme").context["rows"].__repr__()

    @pytest.mark.parametrize(
        ("method", "url", "body"),
        [
            ("get", f"{URL}/personal/inline", None),
            ("patch", f"{URL}/personal/inline", {"name": "mine"}),
            ("delete", f"{URL}/personal/inline", None),
            ("put", f"{URL}/personal/inline/secret", {"token": "x"}),
            ("post", f"{URL}/personal/inline/test", None),
            ("get", f"{URL}/personal/inline/can-run?needed_ns=1", None),
            ("get", f"{LUNA}/private/inline", None),
            ("patch", f"{LUNA}/private/inline", {"name": "mine"}),
            ("delete", f"{LUNA}/private/inline", None),
        ],
    )
    def test_no_address_leads_to_it(self, api, bob, inline, method, url, body):
        assert getattr(api(bob), method)(url, body, format="json").status_code == 404
        assert QpuToken.objects.get().name == "inline"

    def test_the_gateway_does_not_open_it(self, bob, inline):
        raw_key = issue_key(name="ocean", by=bob, now=timezone.now())[1]

        with pytest.raises(Refusal) as refusal:
            enter(raw_key, "personal", "inline", timezone.now())
        assert refusal.value.status == 404

    def test_its_name_is_free(self, bob, inline, bobs_token):
        upload_token(scope="personal", provider="dwave", name="inline", secret="another", by=bob)
        QpuToken.objects.filter(is_inline=False, name="inline").delete()

        assert rename_token(token=bobs_token, name="inline", by=bob).name == "inline"

    def test_it_is_not_told_as_a_twin(self, bob, inline, bobs_token):
        assert same_secret_as(bobs_token, seen_by=bob) == []

    def test_operators_do_not_see_it(self, admin_client, settings, inline, bobs_token):
        settings.REQUIRE_STAFF_MFA = False

        listed = admin_client.get("/admin/tokens/qputoken/")

        assert set(listed.context["cl"].result_list) == {bobs_token}
        assert admin_client.get(f"/admin/tokens/qputoken/{inline.pk}/change/").status_code == 302
