"""How request bodies are read."""

from typing import Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser


class AnyTypeJSONParser(JSONParser):
    """Reads JSON whatever the Content-Type says: Luna SDKs up to 1.2.2 send none with a JSON body."""

    media_type = "*/*"

    def parse(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().parse(*args, **kwargs)
        except RecursionError:  # lists within lists within lists
            raise ParseError from None
