from django.apps import AppConfig
from django.urls import register_converter


class TokensConfig(AppConfig):
    name = "tokens"

    def ready(self) -> None:
        from .converters import TokenNameConverter

        register_converter(TokenNameConverter, "token_name")
