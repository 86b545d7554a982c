"""REST API of the audit log: /api/v1/organizations/<organization>/audit."""

from django.db.models import QuerySet
from rest_framework import serializers

from audit.models import Event

from .lists import MemberListAPIView, PageQuery
from .permissions import Permission


class EventSerializer(serializers.ModelSerializer):
    class Meta:
        model = Event
        fields = ("id", "at", "action", "actor", "key", "address", "target_type", "target_id", "target", "details")


class EventQuery(PageQuery):
    action = serializers.ChoiceField(choices=Event.Action.choices, required=False)
    actor = serializers.EmailField(required=False, help_text="Address of who did it.")
    since = serializers.DateTimeField(required=False, help_text="At or after.")
    until = serializers.DateTimeField(required=False, help_text="Before.")
    order = serializers.ChoiceField(choices=["id", "-id"], default="-id")


# Query parameter -> look-up on the log.
EVENT_FILTERS = {"action": "action", "actor": "actor__iexact", "since": "at__gte", "until": "at__lt"}


class AuditLog(MemberListAPIView):
    """List who did what when, newest first."""

    serializer_class = EventSerializer
    query_serializer_class = EventQuery
    permissions = {"GET": Permission.VIEW_AUDIT}

    def get_queryset(self) -> QuerySet[Event]:
        events = Event.objects.of_organization(self.membership.organization)
        return events.filter(
            **{look_up: self.query[name] for name, look_up in EVENT_FILTERS.items() if name in self.query}
        )
