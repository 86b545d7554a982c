"""Lists and dictionaries in the bodies of the API, of which no more is looked at than has to be.

DRF looks at all items, however many there may be, and finds words for each that is wrong: a megabyte of them keeps a
process busy for half a minute, and becomes an answer of thirty.
"""

from typing import Any

from rest_framework import serializers


class ListField(serializers.ListField):
    """A list that is refused unseen where it is too long, and else at its first wrong item."""

    def run_child_validation(self, data: Any) -> list[Any]:
        self.run_validators(data)
        return [valid(self.child, place, item) for place, item in enumerate(data)]


class DictField(serializers.DictField):
    """A dictionary that is refused at its first wrong item, or name: not all texts of JSON are ones for a database."""

    name = serializers.CharField(allow_blank=True, trim_whitespace=False)

    def run_child_validation(self, data: Any) -> dict[str, Any]:
        return {self.name.run_validation(name): valid(self.child, name, item) for name, item in data.items()}


def valid(field: serializers.Field, place: int | str, item: Any) -> Any:
    try:
        return field.run_validation(item)
    except serializers.ValidationError as error:
        raise serializers.ValidationError({place: error.detail}) from None  # type: ignore[dict-item]
