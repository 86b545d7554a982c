"""What the tests of quotas share. After each test that has used the database, the ledger must be true."""

import pytest
from django.db.models import Max
from django.utils import timezone

from audit.models import Event
from quotas import daily, rollups, services
from quotas.models import Usage
from quotas.proof import prove

LAB = "/api/v1/organizations/acme/qpu-tokens/group/lab"  # the address of the fixture `lab_token`


@pytest.fixture(autouse=True)
def ledger_is_true(request):
    if "db" in request.fixturenames:
        request.getfixturevalue("db")  # so that this ends before the database goes
        yield
        assert prove()[1] == []
        assert daily.prove()[1] == []
        assert rollups.prove() == []
    else:
        yield


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def api(api):
    """As elsewhere, but sends JSON without being told."""

    def client_for(member, **key):
        client = api(member, **key)
        client.default_format = "json"
        return client

    return client_for


@pytest.fixture
def assign(alice, lab_token, now):
    """assign(member or None, quota_ns): a quota on Acme's token, from now on unless said otherwise."""

    def assign_quota(member, quota_ns, **options):
        options = {"token": lab_token, "by": alice, "now": now} | options
        return services.assign_quota(member=member, quota_ns=quota_ns, **options)

    return assign_quota


@pytest.fixture
def reserve(lab_token, now):
    """reserve(member, estimate_ns): a job on Acme's token."""

    def reserve_on(member, estimate_ns, **options):
        options = {"token": lab_token, "source": Usage.Source.GATEWAY, "now": now} | options
        return services.reserve(by=member, estimate_ns=estimate_ns, **options)

    return reserve_on


@pytest.fixture
def counters():
    """counters(policy): what is used and reserved, as the database says."""

    def counters_of(policy):
        policy.refresh_from_db()
        return policy.used_ns, policy.reserved_ns

    return counters_of


@pytest.fixture
def history(db):
    """history(): the audit lines written since the last call, or since the test's set-up."""
    seen = [0]

    def new_events():
        events = list(Event.objects.filter(pk__gt=seen[0], action__startswith="quota_").order_by("pk"))
        seen[0] = Event.objects.aggregate(last=Max("pk", default=0))["last"]
        return events

    new_events()
    return new_events


@pytest.fixture
def broken_audit(monkeypatch):
    """The audit log cannot be written."""

    def refuse(*args, **kwargs):
        raise OSError("the audit log is full")

    monkeypatch.setattr("audit.log.record", refuse)
