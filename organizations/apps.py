from django.apps import AppConfig
from django.urls import register_converter


class OrganizationsConfig(AppConfig):
    name = "organizations"

    def ready(self) -> None:
        from .converters import EmailConverter

        register_converter(EmailConverter, "email")
