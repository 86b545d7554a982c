from django.apps import AppConfig


class LunaPortalConfig(AppConfig):
    name = "lunaportal"
    verbose_name = "Luna Portal"

    def ready(self) -> None:
        from . import checks  # noqa: F401  registers them
