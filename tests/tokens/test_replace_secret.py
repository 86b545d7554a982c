"""Replacing a secret without downtime: the old one stays for the jobs that it has sent, and nobody can read it."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from cryptography.fernet import Fernet, InvalidToken
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from audit.models import Event
from encryption.rotation import rotate_fields
from tests.conftest import SECRET
from tokens.models import Provider, QpuToken, RetiredSecret
from tokens.services import delete_token, replace_secret, upload_token

NEW = "DEV-second-canary-0123456789abcdef"


def replace(token, secret, by):
    return replace_secret(token=token, secret=secret, by=by, now=timezone.now())


def retired():
    return list(RetiredSecret.objects.order_by("version").values_list("version", "secret"))


class TestTheOldSecret:
    def test_it_is_kept_with_its_version(self, alice, lab_token):
        now = timezone.now()
        replace_secret(token=lab_token, secret=NEW, by=alice, now=now)

        token = QpuToken.objects.get()
        assert (token.secret, token.secret_version) == (NEW, 2)
        assert retired() == [(1, SECRET)]
        assert RetiredSecret.objects.get().retired_at == now

    def test_it_is_the_one_that_is_stored_not_the_one_that_the_caller_knows(self, alice, lab_token):
        stale = QpuToken.objects.defer(None).get()

        replace(lab_token, "second", alice)
        replace(stale, "third", alice)

        token = QpuToken.objects.get()
        assert (token.secret, token.secret_version) == ("third", 3)
        assert retired() == [(1, SECRET), (2, "second")]

    @pytest.mark.parametrize("provider", sorted(set(Provider.values) - {"dwave"}))
    def test_it_is_not_kept_where_no_job_goes_through_the_portal(self, alice, provider):
        token = upload_token(scope="group", provider=provider, name="lab", secret=SECRET, by=alice)

        assert replace(token, NEW, alice).secret_version == 2
        assert retired() == []

    def test_what_was_learned_of_it_does_not_hold_for_the_new_one(self, alice, lab_token):
        QpuToken.objects.update(works=True, tested_at=timezone.now())

        replace(lab_token, NEW, alice)

        token = QpuToken.objects.get()
        assert (token.works, token.tested_at) == (None, None)

    def test_it_goes_with_the_token(self, alice, lab_token):
        replace(lab_token, NEW, alice)

        delete_token(token=lab_token, by=alice)

        assert not RetiredSecret.objects.exists()

    def test_it_goes_with_its_owner_and_with_the_organization(self, alice, bob, lab_token, bobs_token):
        replace(lab_token, NEW, alice)
        replace(bobs_token, NEW, bob)

        bob.user.delete()
        assert RetiredSecret.objects.get().token == lab_token
        alice.organization.delete()
        assert not RetiredSecret.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_many_replacements_at_once_none_is_lost(alice, lab_token):
    secrets = [f"secret {number}" for number in range(6)]
    start = Barrier(len(secrets))

    def send(secret):
        try:
            token = QpuToken.objects.get()
            start.wait(10)
            replace(token, secret, alice)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(secrets)) as threads:
        list(threads.map(send, secrets))

    token = QpuToken.objects.get()
    kept = retired()
    assert token.secret_version == len(secrets) + 1
    assert [version for version, _ in kept] == list(range(1, len(secrets) + 1))
    assert kept[0] == (1, SECRET)
    assert {token.secret, *(secret for _, secret in kept)} == {SECRET, *secrets}


class TestEncryption:
    @pytest.fixture
    def replaced(self, alice, lab_token):
        return replace(lab_token, NEW, alice)

    def test_the_database_does_not_hold_it_in_clear(self, replaced):
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM tokens_retiredsecret")
            assert SECRET not in str(cursor.fetchall())

    def test_it_is_not_dumped(self, replaced):
        with pytest.raises(CommandError, match="would hold it in clear"):
            call_command("dumpdata", "tokens.RetiredSecret", stdout=None)

    def test_new_keys_are_for_it_too(self, replaced, settings):
        old, new = settings.FIELD_ENCRYPTION_KEY, Fernet.generate_key().decode()
        settings.FIELD_ENCRYPTION_KEY = [new, *old]

        columns = {progress.column: progress.renewed for progress in rotate_fields()}

        assert columns["tokens.RetiredSecret.secret"] == 1
        settings.FIELD_ENCRYPTION_KEY = [new]
        assert retired() == [(1, SECRET)]
        assert QpuToken.objects.get().secret == NEW
        with connection.cursor() as cursor:
            cursor.execute("SELECT secret FROM tokens_retiredsecret")
            ciphertext = cursor.fetchone()[0]
        with pytest.raises(InvalidToken):
            Fernet(old[0]).decrypt(ciphertext.encode())


class TestNobodyReadsIt:
    def test_not_in_the_api_the_audit_log_or_the_operators_admin(
        self, api, browser, admin_client, settings, alice, lab_token
    ):
        settings.REQUIRE_STAFF_MFA = False
        url = "/api/v1/organizations/acme/qpu-tokens"
        program = api(alice)
        answers = [
            program.put(f"{url}/group/lab/secret", {"token": secret}, format="json") for secret in (NEW, "third")
        ]
        with connection.cursor() as cursor:
            cursor.execute("SELECT secret FROM tokens_retiredsecret")
            ciphertexts = [row[0] for row in cursor.fetchall()]

        answers += [program.get(url), program.get(f"{url}/group/lab"), program.get("/api/v1/organizations/acme/audit")]
        answers += [browser(alice).get("/o/acme")]
        answers += [
            admin_client.get(page)
            for page in ("/admin/", "/admin/tokens/qputoken/", f"/admin/tokens/qputoken/{lab_token.pk}/change/")
        ]

        assert {answer.status_code for answer in answers} == {200}
        said = "\n".join([*(answer.content.decode() for answer in answers), *map(str, Event.objects.values_list())])
        for canary in (SECRET, NEW, *ciphertexts):
            assert canary not in said

    def test_its_name_does_not_tell_it(self, alice, lab_token):
        replace(lab_token, NEW, alice)

        secret = RetiredSecret.objects.get()

        assert SECRET not in f"{secret} {secret!r}"

    def test_operators_have_no_page_of_it(self, admin_client, settings):
        settings.REQUIRE_STAFF_MFA = False

        assert admin_client.get("/admin/tokens/retiredsecret/").status_code == 404
