from io import StringIO

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connection

from encryption import rotation
from encryption.fields import decrypt, encrypt, reencrypt, under_first_key
from encryption.models import Canary
from encryption.rotation import Column, rotate_fields

from .boxes import Box, registry


@pytest.fixture
def new_key(monkeypatch, settings, boxes):
    """Five boxes under the old key, and a new first key. Rotation sees no other model than Box."""
    boxes.bulk_create([Box(label=f"box {number}", secret=f"secret {number}") for number in range(5)])
    monkeypatch.setattr(rotation, "apps", registry)
    key = Fernet.generate_key().decode()
    settings.FIELD_ENCRYPTION_KEY = [key, *settings.FIELD_ENCRYPTION_KEY]
    return key


def renewed(progress):
    return sum(batch.renewed for batch in progress)


def write_raw(pk, value):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE encryption_box SET secret = %s WHERE id = %s", [value, pk])


def test_afterwards_the_old_key_is_no_longer_needed(settings, boxes, new_key):
    before = list(boxes.order_by("pk").values_list("secret", flat=True))

    assert renewed(rotate_fields()) == 5

    settings.FIELD_ENCRYPTION_KEY = [new_key]
    assert list(boxes.order_by("pk").values_list("secret", flat=True)) == before


def test_it_tells_what_each_batch_came_to(new_key):
    progress = list(rotate_fields(batch_size=2))

    assert {batch.column for batch in progress} == {"encryption.Box.secret"}
    assert [(batch.read, batch.renewed, batch.unreadable) for batch in progress] == [(2, 2, []), (2, 2, []), (1, 1, [])]


@pytest.mark.parametrize("batch_size", [1, 2, 5, 6])
def test_the_second_run_does_nothing(raw, new_key, batch_size):
    list(rotate_fields(batch_size))
    before = raw()

    assert renewed(rotate_fields(batch_size)) == 0
    assert raw() == before


def test_interrupted_it_keeps_what_it_reported_and_goes_on_the_next_time(raw, new_key):
    interrupted = rotate_fields(batch_size=2)
    next(interrupted)
    interrupted.close()
    assert [under_first_key(secret) for _, secret in sorted(raw().items())] == [True, True, False, False, False]

    assert renewed(rotate_fields(batch_size=2)) == 3


def test_what_no_key_opens_is_reported_and_left_and_the_rest_goes_on(boxes, raw, new_key):
    pk = boxes.order_by("pk")[1].pk
    write_raw(pk, "plain text")

    progress = list(rotate_fields(batch_size=2))

    assert renewed(progress) == 4
    assert [batch.unreadable for batch in progress] == [[pk], [], []]
    assert raw()[pk] == "plain text"


def test_nulls_are_left_out(boxes, new_key):
    boxes.filter(label="box 1").update(secret=None)

    assert [batch.read for batch in rotate_fields()] == [4]


def test_an_empty_table_is_reported_too(boxes, new_key):
    boxes.all().delete()

    assert [batch.read for batch in rotate_fields()] == [0]


def test_without_write_it_only_counts(raw, new_key):
    before = raw()

    assert renewed(rotate_fields(batch_size=2, write=False)) == 5
    assert raw() == before


def test_it_reads_in_batches(new_key, django_assert_num_queries):
    list(rotate_fields())
    with django_assert_num_queries(3 * 3):  # three batches: SELECT, SAVEPOINT, RELEASE
        list(rotate_fields(batch_size=2))


class TestWhileThePortalRuns:
    """Something happens between reading a batch and writing it."""

    def rotate(self, meanwhile):
        field = Box._meta.get_field("secret")
        once = iter([meanwhile])

        def renew(ciphertext):
            next(once, lambda: None)()
            return rotation._renew_text(ciphertext)

        ciphertext = rotation.ExpressionWrapper(rotation.F("secret"), rotation.models.TextField())
        return list(Column(field, renew, ciphertext).rotate())

    def test_a_new_value_is_not_overwritten(self, boxes, new_key):
        progress = self.rotate(lambda: boxes.filter(label="box 0").update(secret="new"))

        assert boxes.get(label="box 0").secret == "new"
        assert renewed(progress) == 4

    def test_a_new_value_under_the_old_key_is_renewed(self, settings, boxes, raw, new_key):
        pk = boxes.get(label="box 0").pk
        with_old_key = Fernet(settings.FIELD_ENCRYPTION_KEY[1]).encrypt(b"new").decode()
        progress = self.rotate(lambda: write_raw(pk, with_old_key))

        assert under_first_key(raw()[pk])
        assert boxes.get(pk=pk).secret == "new"
        assert renewed(progress) == 5

    def test_a_deleted_row_stays_deleted(self, boxes, new_key):
        progress = self.rotate(lambda: boxes.filter(label="box 0").delete())

        assert boxes.count() == 4
        assert renewed(progress) == 4


class TestColumnsOfAnotherKind:
    """Such as the JSON in which allauth keeps second factors."""

    column = Column(
        Box._meta.get_field("data"),
        lambda data: (secret := reencrypt(data["secret"])) and data | {"secret": secret},
    )

    def test_what_encrypt_made_is_renewed_and_the_rest_is_kept(self, settings, boxes, keys):
        boxes.create(data={"secret": encrypt("s"), "used": [1, 2]})
        settings.FIELD_ENCRYPTION_KEY = [keys[1], keys[0]]

        assert renewed(self.column.rotate()) == 1
        assert renewed(self.column.rotate()) == 0

        settings.FIELD_ENCRYPTION_KEY = [keys[1]]
        data = boxes.get().data
        assert decrypt(data["secret"]) == "s"
        assert data["used"] == [1, 2]

    def test_what_no_key_opens_is_reported(self, boxes):
        box = boxes.create(data={"secret": "plain"})

        assert [batch.unreadable for batch in self.column.rotate()] == [[box.pk]]


class TestCommand:
    def run(self, *args):
        stdout, stderr = StringIO(), StringIO()
        try:
            call_command("rotate_encryption_key", *args, stdout=stdout, stderr=stderr)
        finally:
            self.output, self.errors = stdout.getvalue(), stderr.getvalue()

    def test_it_rotates_and_reports_progress(self, raw, new_key):
        self.run("--batch-size", "2")

        assert "encryption.Box.secret: 2 read, 2 re-encrypted" in self.output
        assert "encryption.Box.secret: 5 read, 5 re-encrypted" in self.output
        assert "mfa.Authenticator.data: 0 read, 0 re-encrypted" in self.output
        assert all(under_first_key(secret) for secret in raw().values())

    def test_check_changes_nothing_and_fails_while_there_is_something_to_do(self, raw, new_key):
        before = raw()
        with pytest.raises(CommandError, match="5 of 5 secrets are not under the first key"):
            self.run("--check")
        assert raw() == before

        self.run()
        self.run("--check")

    def test_it_names_what_no_key_opens_never_its_content_and_fails(self, boxes, raw, new_key):
        pk = boxes.first().pk
        write_raw(pk, "plain text")
        with pytest.raises(CommandError, match="No key opens 1 of 5 secrets") as caught:
            self.run()

        assert f"encryption.Box.secret: no key opens the one with primary key {pk}" in self.errors
        said = self.output + self.errors + str(caught.value)
        assert "plain text" not in said
        assert not any(secret in said for secret in raw().values())
        assert sum(under_first_key(secret) for secret in raw().values()) == 4

    @pytest.mark.parametrize("size", ["0", "-1", "many"])
    def test_it_refuses_an_impossible_batch_size(self, size):
        with pytest.raises(CommandError, match="--batch-size"):
            self.run("--batch-size", size)


def test_the_canary_is_rotated_too(settings, db, keys):
    Canary.objects.update(song=Canary().song)
    settings.FIELD_ENCRYPTION_KEY = [keys[1], keys[0]]
    list(rotate_fields())
    settings.FIELD_ENCRYPTION_KEY = [keys[1]]

    assert Canary.objects.get().song == Canary().song
