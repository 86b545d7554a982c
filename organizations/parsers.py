"""How request bodies are read."""

from rest_framework.parsers import JSONParser


class AnyTypeJSONParser(JSONParser):
    """Reads JSON whatever the Content-Type says: Luna SDKs up to 1.2.2 send none with a JSON body."""

    media_type = "*/*"
