"""Whatever people do: the ledger is true, and quotas are exceeded only by what jobs cost above their estimates."""

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from quotas import services
from quotas.models import TimeQuotaPolicy, Usage
from quotas.proof import prove
from quotas.services import QuotaExceeded

pytestmark = pytest.mark.django_db

acts = st.one_of(
    st.tuples(st.just("reserve"), st.integers(0, 1), st.integers(1, 60)),
    st.tuples(st.just("settle"), st.integers(0, 9), st.integers(0, 80)),
    st.tuples(st.just("release"), st.integers(0, 9), st.just(0)),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=st.lists(acts, max_size=15))
def test_random_histories(assign, reserve, alice, bob, now, history):
    with transaction.atomic():
        quotas = {assign(None, 100).pk: 100, assign(alice, 60).pk: 60, assign(bob, 80).pk: 80}
        overruns = dict.fromkeys(quotas, 0)
        jobs = []
        for act, number, nanoseconds in history:
            if act == "reserve":
                try:
                    jobs.append(reserve((alice, bob)[number], nanoseconds))
                except QuotaExceeded:
                    continue
            elif number < len(jobs):
                usage = jobs[number]
                if act == "release":
                    services.release(usage=usage, now=now)
                elif services.settle(usage=usage, access_time_ns=nanoseconds, now=now):
                    for policy_id in (usage.group_policy_id, usage.user_policy_id):
                        overruns[policy_id] += max(0, nanoseconds - usage.estimate_ns)

            assert prove() == (3, [])
            for policy in TimeQuotaPolicy.objects.all():
                assert policy.used_ns + policy.reserved_ns <= quotas[policy.pk] + overruns[policy.pk]
        assert Usage.objects.count() == len(jobs)
        transaction.set_rollback(True)
