"""What django-encrypted-model-fields gets wrong when used as it comes: the field refuses it, or does it right."""

import json
from io import StringIO

import pytest
from django.core import serializers
from django.core.exceptions import FieldError
from django.core.management import CommandError, call_command
from django.db import connection, models, transaction
from django.db.models import Case, F, Max, Q, Value, When
from django.db.models.functions import Concat, Length, Upper
from django.forms import modelform_factory
from django.test.utils import isolate_apps

from encryption.fields import DecryptionError, EncryptedTextField, decrypt, encrypt

from .boxes import Box

SECRET = "DEV-c0ffee"


@pytest.fixture
def box(boxes):
    return boxes.create(label="one", secret=SECRET)


def write_raw(value):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE encryption_box SET secret = %s", [value])


class TestStoring:
    def test_the_database_holds_ciphertext(self, box, raw):
        assert SECRET not in raw()[box.pk]
        assert decrypt(raw()[box.pk]) == SECRET

    @pytest.mark.parametrize("secret", [SECRET, "", "äöü €", None])
    def test_every_way_to_read_gives_the_text_back(self, boxes, secret):
        box = boxes.create(secret=secret)

        assert boxes.get().secret == secret
        assert boxes.only("secret").get().secret == secret
        assert boxes.defer("secret").get().secret == secret
        assert boxes.values_list("secret", flat=True).get() == secret
        assert boxes.values("secret").get() == {"secret": secret}
        box.refresh_from_db()
        assert box.secret == secret

    def test_every_way_to_write_encrypts(self, boxes, raw):
        one, two = boxes.bulk_create([Box(secret="a"), Box(secret="b")])
        boxes.filter(pk=one.pk).update(secret="c")
        two.secret = "d"
        two.save(update_fields=["secret"])
        assert {pk: decrypt(secret) for pk, secret in raw().items()} == {one.pk: "c", two.pk: "d"}

    def test_upsert_encrypts(self, box, boxes, raw):
        boxes.bulk_create(
            [Box(pk=box.pk, secret="new")], update_conflicts=True, update_fields=["secret"], unique_fields=["id"]
        )

        assert decrypt(raw()[box.pk]) == "new"

    def test_bulk_update_encrypts_each_value(self, boxes, raw):
        some = boxes.bulk_create([Box(secret="a"), Box(secret="b"), Box(secret="c")])
        for box, secret in zip(some, ["x", None, "z"], strict=True):
            box.secret = secret

        boxes.bulk_update(some, ["secret"])

        assert [secret and decrypt(secret) for _, secret in sorted(raw().items())] == ["x", None, "z"]

    @pytest.mark.parametrize("value", [b"bytes", 1, object()])
    def test_it_takes_only_text(self, boxes, value):
        with pytest.raises(TypeError, match="Only text can be encrypted"):
            boxes.create(secret=value)


class TestExpressions:
    """The package stores the encrypted text of the expression itself."""

    @pytest.mark.parametrize(
        "expression",
        [
            F("secret"),
            F("label"),
            Value("plain"),
            Concat(F("label"), Value("x")),
            Upper("label"),
            Case(When(pk=1, then=Value("plain"))),
            Case(When(pk=1, then=F("label")), default=Value(None)),
            Case(When(pk=1, then=Value("x", Box._meta.get_field("secret"))), default=Value("plain")),
        ],
        ids=repr,
    )
    def test_update_refuses_them(self, box, boxes, raw, expression):
        before = raw()
        with pytest.raises(FieldError, match="cannot encrypt"), transaction.atomic():
            boxes.update(secret=expression)

        assert raw() == before

    def test_save_refuses_them(self, box, raw):
        before = raw()
        box.secret = F("label")
        with pytest.raises(FieldError, match=r"encryption\.Box\.secret"), transaction.atomic():
            box.save()

        assert raw() == before

    def test_create_refuses_them(self, boxes, raw):
        with pytest.raises(FieldError, match="cannot encrypt"), transaction.atomic():
            boxes.create(secret=Upper(Value("plain")))

        assert raw() == {}

    def test_bulk_update_refuses_them(self, box, boxes, raw):
        before = raw()
        box.secret = F("label")
        with pytest.raises(FieldError, match="cannot encrypt"), transaction.atomic():
            boxes.bulk_update([box], ["secret"])

        assert raw() == before

    def test_a_value_of_this_very_field_is_encrypted(self, box, boxes, raw):
        boxes.update(secret=Value("new", Box._meta.get_field("secret")))

        assert decrypt(raw()[box.pk]) == "new"


class TestUnreadable:
    """The package hands out the ciphertext, and encrypts it once more on the next save."""

    READS = {
        "get": lambda boxes: boxes.get(),
        "values": lambda boxes: list(boxes.values("secret")),
        "annotation": lambda boxes: list(boxes.annotate(copy=F("secret")).values("copy")),
        "aggregate": lambda boxes: boxes.aggregate(Max("secret")),
        "deferred": lambda boxes: boxes.defer("secret").get().secret,
        "refresh": lambda boxes: boxes.defer("secret").get().refresh_from_db(fields=["secret"]),
        "refresh all": lambda boxes: boxes.defer("secret").get().refresh_from_db(fields=["label", "secret"]),
    }

    @pytest.mark.parametrize("read", READS.values(), ids=READS)
    def test_a_wrong_key_reads_nothing_and_says_what_to_do(self, box, boxes, keys, raw, read):
        before = raw()
        with pytest.raises(DecryptionError, match=r"encryption\.Box\.secret .* Add the key") as caught:
            read(boxes)

        assert SECRET not in str(caught.value)
        assert before[box.pk][:10] not in str(caught.value)
        assert raw() == before

    @pytest.mark.parametrize("read", READS.values(), ids=READS)
    def test_plain_text_in_the_database_is_not_handed_out(self, box, boxes, read):
        write_raw("plain")
        with pytest.raises(DecryptionError):
            read(boxes)

    def test_the_result_of_a_database_function_is_not_handed_out(self, box, boxes):
        with pytest.raises(DecryptionError):
            list(boxes.annotate(loud=Upper("secret")).values("loud"))

    def test_other_columns_can_still_be_read_and_saved(self, box, boxes, keys, raw):
        before = raw()
        box = boxes.defer("secret").get()
        box.label = "renamed"
        box.save()

        assert boxes.values_list("label", flat=True).get() == "renamed"
        assert raw() == before

    def test_it_can_be_replaced(self, box, boxes, keys):
        boxes.update(secret="new")

        assert boxes.get().secret == "new"

    def test_an_old_key_still_reads_and_the_first_key_writes(self, settings, box, boxes, keys):
        settings.FIELD_ENCRYPTION_KEY = [keys[0], *settings.FIELD_ENCRYPTION_KEY]
        boxes.update(secret="older")
        settings.FIELD_ENCRYPTION_KEY = [keys[1], keys[0]]
        assert boxes.get().secret == "older"

        boxes.update(secret="newer")
        settings.FIELD_ENCRYPTION_KEY = [keys[1]]
        assert boxes.get().secret == "newer"


class TestComparing:
    """The package finds nothing, in silence: get_or_create() always creates."""

    @pytest.mark.parametrize(
        "condition",
        [
            {"secret": SECRET},
            {"secret__iexact": SECRET},
            {"secret__contains": "c0ffee"},
            {"secret__icontains": "c0ffee"},
            {"secret__startswith": "DEV"},
            {"secret__in": [SECRET]},
            {"secret__gt": "A"},
            {"secret__regex": "DEV"},
            {"secret__length": 3},
        ],
        ids=str,
    )
    def test_filters_refuse_it(self, box, boxes, condition):
        with pytest.raises(FieldError):
            boxes.filter(**condition).exists()
        with pytest.raises(FieldError):
            boxes.exclude(**condition).exists()
        with pytest.raises(FieldError):
            boxes.filter(Q(label="one") | Q(**condition)).exists()

    def test_annotations_refuse_it(self, box, boxes):
        with pytest.raises(FieldError):
            boxes.annotate(copy=F("secret")).filter(copy=SECRET).exists()

    def test_get_or_create_refuses_it(self, box, boxes):
        with pytest.raises(FieldError):
            boxes.get_or_create(secret=SECRET)
        with pytest.raises(FieldError):
            boxes.update_or_create(secret=SECRET)

        assert boxes.count() == 1

    def test_whether_there_is_one_can_be_asked(self, box, boxes):
        assert boxes.filter(secret__isnull=False).get() == box
        assert not boxes.filter(secret__isnull=True).exists()
        assert boxes.annotate(length=Length("secret")).get().length > len(SECRET)


class TestForms:
    form_class = modelform_factory(Box, fields=["label", "secret"])

    def test_a_submitted_ciphertext_is_not_decrypted(self, box, boxes):
        """The package answers whoever posts a ciphertext with its text."""
        ciphertext = encrypt("somebody else's")
        submitted = Box(label="x", secret=ciphertext)
        submitted.full_clean()
        assert submitted.secret == ciphertext

        form = self.form_class({"label": "x", "secret": ciphertext})
        assert form.save().secret == ciphertext
        assert boxes.get(label="x").secret == ciphertext

    def test_they_do_not_show_what_is_stored(self, box):
        assert SECRET not in self.form_class(instance=box).as_p()

    def test_they_replace_what_no_key_opens(self, box, boxes, keys):
        form = self.form_class({"label": "one", "secret": "new"}, instance=boxes.defer("secret").get())
        form.save()

        assert boxes.get().secret == "new"

    def test_they_do_not_swallow_what_no_key_opens(self, box, boxes, keys):
        with pytest.raises(DecryptionError):
            self.form_class({"label": "one"}, instance=boxes.get())


class TestDumps:
    @pytest.mark.parametrize("form", ["python", "json", "xml", "jsonl"])
    @pytest.mark.parametrize("secret", [SECRET, ""])
    def test_they_are_refused(self, boxes, form, secret):
        """The package writes plain text into them."""
        box = boxes.create(secret=secret)
        with pytest.raises(FieldError, match="in clear"):
            serializers.serialize(form, [box])

    def test_dumpdata_says_so(self, db):
        with pytest.raises(CommandError, match=r"encryption\.Canary\.song: a dump would hold it in clear"):
            call_command("dumpdata", "encryption", stdout=StringIO())

    def test_fixtures_are_read(self, boxes, raw, monkeypatch):
        monkeypatch.setattr("django.core.serializers.python.apps.get_model", lambda label: Box)
        fixture = json.dumps([{"model": "encryption.box", "pk": 7, "fields": {"label": "x", "secret": SECRET}}])
        for loaded in serializers.deserialize("json", fixture):
            loaded.save()

        assert decrypt(raw()[7]) == SECRET


class TestDeclaring:
    def errors_of(self, meta=None, **fields):
        with isolate_apps("encryption"):
            options = type("Meta", (), {"app_label": "encryption"} | (meta or {}))
            model = type("Declared", (models.Model,), {"__module__": __name__, "Meta": options} | fields)
            return [error.id for error in model.check()]

    @pytest.mark.parametrize("option", [{"unique": True}, {"db_index": True}, {"primary_key": True}], ids=str)
    def test_the_column_cannot_be_indexed(self, option):
        assert self.errors_of(secret=EncryptedTextField(**option)) == ["encryption.E001"]

    @pytest.mark.parametrize(
        "option",
        [
            {"unique_together": [("label", "secret")]},
            {"indexes": [models.Index(fields=["-secret"], name="x")]},
            {"constraints": [models.UniqueConstraint(fields=["label", "secret"], name="x")]},
        ],
        ids=str,
    )
    def test_the_model_cannot_index_the_column(self, option):
        errors = self.errors_of(label=models.CharField(max_length=5), secret=EncryptedTextField(), meta=option)

        assert errors == ["encryption.E001"]

    def test_the_database_cannot_have_a_default(self):
        assert self.errors_of(secret=EncryptedTextField(db_default="plain")) == ["encryption.E002"]

    def test_right_use_passes(self):
        assert Box.check() == []

    def test_migrations_name_it(self):
        _, path, args, kwargs = EncryptedTextField(null=True).deconstruct()

        assert (path, args, kwargs) == ("encryption.fields.EncryptedTextField", [], {"null": True})

    def test_a_default_is_encrypted_when_a_column_is_added(self):
        field = EncryptedTextField(default="x")

        assert decrypt(connection.SchemaEditorClass(connection, collect_sql=True).effective_default(field)) == "x"
