from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from . import receivers  # noqa: F401  connects them


class OperatorsAdminConfig(admin_apps.AdminConfig):
    """Stands in INSTALLED_APPS in place of django.contrib.admin."""

    default = False  # what "accounts" in INSTALLED_APPS means is the other one
    default_site = "accounts.operators.OperatorsAdminSite"
