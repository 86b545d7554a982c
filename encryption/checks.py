"""System checks: nobody goes round the strict field, and the keys fit the database."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig, apps
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections
from django.db.migrations.recorder import MigrationRecorder
from encrypted_model_fields.fields import EncryptedMixin

from . import canary
from .fields import EncryptedTextField

PLANTED = ("encryption", "0002_plant_the_canary")


@register(Tags.models)
def check_only_strict_fields(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:
    """Refuse the fields of django-encrypted-model-fields, which lose and leak secrets in silence."""
    return [
        Error(
            f"{type(field).__name__} hands out what it cannot decrypt.",
            hint="Use encryption.fields.EncryptedTextField.",
            obj=field,
            id="encryption.E003",
        )
        for config in app_configs or apps.get_app_configs()
        for model in config.get_models(include_auto_created=True)
        for field in model._meta.local_fields
        if isinstance(field, EncryptedMixin) and not isinstance(field, EncryptedTextField)
    ]


@register(Tags.database)
def check_canary(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Stop `migrate`, and `check --database default`, if the keys do not fit. Before the first `migrate` all do."""
    if (
        "default" not in (databases or ())
        or PLANTED not in MigrationRecorder(connections["default"]).applied_migrations()
    ):
        return []
    try:
        canary.verify()
    except canary.CanaryError as error:
        return [Error(str(error), id="encryption.E004")]
    return []
