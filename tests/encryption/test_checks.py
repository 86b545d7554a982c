import pytest
from django.db import models
from django.test.utils import isolate_apps
from encrypted_model_fields import fields as package

from encryption import checks
from encryption.fields import EncryptedTextField

FIELDS_OF_THE_PACKAGE = [
    field for field in vars(package).values() if isinstance(field, type) and issubclass(field, package.EncryptedMixin)
]


def errors_with(field):
    with isolate_apps("encryption") as registry:
        attributes = {"__module__": __name__, "Meta": type("Meta", (), {"app_label": "encryption"}), "secret": field}
        type("Declared", (models.Model,), attributes)
        return [error.id for error in checks.check_only_strict_fields(registry.get_app_configs())]


@pytest.mark.parametrize("field_class", [f for f in FIELDS_OF_THE_PACKAGE if issubclass(f, models.Field)])
def test_it_refuses_the_fields_of_the_package(field_class):
    assert errors_with(field_class()) == ["encryption.E003"]


def test_it_refuses_fields_derived_from_them():
    assert errors_with(type("Own", (package.EncryptedTextField,), {})()) == ["encryption.E003"]


def test_it_accepts_the_strict_field():
    assert errors_with(EncryptedTextField()) == []


def test_no_model_of_ours_uses_them():
    assert checks.check_only_strict_fields(None) == []
