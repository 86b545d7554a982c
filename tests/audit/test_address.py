import pytest
from django.http import HttpResponse
from django.test import RequestFactory

from audit import log
from audit.middleware import current_address, remember_address
from audit.models import Event


def answer(address, view):
    return remember_address(view)(RequestFactory().get("/", REMOTE_ADDR=address))


def say_address(request):
    return HttpResponse(current_address() or "none")


@pytest.mark.parametrize(
    ("remote", "remembered"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("", "none"),
    ],
)
def test_the_address_is_known_while_a_request_is_answered(remote, remembered):
    assert answer(remote, say_address).content.decode() == remembered
    assert current_address() is None


def test_it_is_forgotten_after_an_error():
    def fail(request):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        answer("192.0.2.1", fail)
    assert current_address() is None


def test_requests_within_requests_do_not_disturb_each_other():
    def nested(request):
        inner = answer("192.0.2.2", say_address).content
        return HttpResponse(inner + b" " + say_address(request).content)

    assert answer("192.0.2.1", nested).content == b"192.0.2.2 192.0.2.1"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("remote", "recorded"),
    [("192.0.2.1", "192.0.2.1"), ("::ffff:192.0.2.1", "192.0.2.1"), ("fe80::1%eth0", "fe80::1"), ("", None)],
)
def test_record_writes_it_down(remote, recorded):
    def view(request):
        log.record(Event.Action.USER_SIGNED_IN, by=None, target=None)
        return HttpResponse()

    answer(remote, view)

    assert Event.objects.get().address == recorded


@pytest.mark.django_db
def test_the_portal_is_set_up_so(settings):
    middleware = settings.MIDDLEWARE
    own = middleware.index("audit.middleware.remember_address")

    assert middleware.index("lunaportal.middleware.trust_proxies") < own
