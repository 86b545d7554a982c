from django.apps import AppConfig


class LunaPortalConfig(AppConfig):
    name = "lunaportal"
    verbose_name = "Luna Portal"
