import pytest
from django.urls import reverse

from accounts.models import User
from audit import log
from audit.models import Event

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice():
    return User.objects.create_user("alice@example.com")


@pytest.fixture
def event(alice):
    return log.record(Event.Action.KEY_ISSUED, by=alice, target=alice, scopes="read")


@pytest.fixture
def operator(client, settings):
    settings.REQUIRE_STAFF_MFA = False
    client.force_login(User.objects.create_superuser("root@example.com"))
    return client


def page(name, *args):
    return reverse(f"admin:audit_event_{name}", args=args)


def test_it_lists_finds_and_filters_events(operator, event):
    for query in "", "?q=alice", "?action=key_issued":
        assert "alice@example.com" in operator.get(page("changelist") + query).content.decode()
    for query in "?q=mallory", "?action=key_revoked":
        assert "alice@example.com" not in operator.get(page("changelist") + query).content.decode()


def test_it_shows_an_event_without_a_form(operator, event):
    content = operator.get(page("change", event.pk)).content.decode()

    assert "scopes" in content
    assert 'name="_save"' not in content


def test_it_lets_nobody_add_change_or_delete(operator, event):
    assert operator.get(page("add")).status_code == 403
    assert operator.post(page("change", event.pk), {"actor": "mallory"}).status_code == 403
    assert operator.post(page("delete", event.pk), {"post": "yes"}).status_code == 403
    operator.post(page("changelist"), {"action": "delete_selected", "_selected_action": event.pk, "post": "yes"})

    assert Event.objects.get(pk=event.pk).actor == "alice@example.com"


def test_a_list_takes_the_same_queries_however_long_it_is(operator, alice, event, django_assert_max_num_queries):
    with django_assert_max_num_queries(10) as first:
        operator.get(page("changelist"))
    for _ in range(20):
        log.record(Event.Action.KEY_ISSUED, by=alice, target=alice)
    with django_assert_max_num_queries(len(first)):
        operator.get(page("changelist"))
