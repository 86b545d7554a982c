"""How many people somebody may write to."""

from typing import Any

from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.throttling import UserRateThrottle
from rest_framework.views import APIView


class InvitationThrottle(UserRateThrottle):
    """Counts addresses, not requests, and those of the pages together with those by the API."""

    scope = "invitations"
    addresses = 1
    num_requests: int  # what DRF reads from the rate
    duration: int

    def allow_request(self, request: Request, view: APIView) -> bool:
        return self.allows(request, addresses_in(request.data))

    def allows(self, request: Request | HttpRequest, addresses: int) -> bool:
        """Whether so many more may be invited now; if so, they are counted."""
        self.addresses = addresses
        return super().allow_request(request, None)  # type: ignore[arg-type]  # wants no more than the user

    def throttle_success(self) -> bool:
        if len(self.history) + self.addresses > self.num_requests:
            return self.throttle_failure()
        self.history[:0] = [self.now] * self.addresses
        self.cache.set(self.key, self.history, self.duration)
        return True

    def wait(self) -> float | None:
        """Seconds until so many of the earlier ones count no more that these fit in."""
        too_many = min(len(self.history) + self.addresses - self.num_requests, len(self.history))
        return self.duration - (self.now - self.history[-too_many]) if too_many else None


def addresses_in(data: Any) -> int:
    """How many addresses a request names; one, where it makes no sense and will be refused."""
    emails = data.get("emails") if isinstance(data, dict) else None
    return max(len(emails), 1) if isinstance(emails, list) else 1
