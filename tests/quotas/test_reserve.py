from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from organizations.models import Plan
from organizations.services import remove_member
from quotas import services
from quotas.models import TimeQuotaPolicy, Usage
from quotas.policies import MAX_NS, Reason, Subject
from quotas.services import QuotaExceeded
from tests.conftest import SECRET, join
from tokens.models import QpuToken
from tokens.services import delete_token, rename_token, upload_token

pytestmark = pytest.mark.django_db


def refusals(error):
    return [(refusal.limit.subject, refusal.reason) for refusal in error.value.decision.refusals]


class TestTheLine:
    def test_it_says_who_what_and_how_much(self, assign, reserve, lab_token, bob, now):
        group, user = assign(None, 100), assign(bob, 100)
        usage = reserve(bob, 40, source=Usage.Source.SOLVE_JOB, solver="Advantage_system6.4")
        assert Usage.objects.values().get() == {
            "id": usage.pk,
            "organization_id": bob.organization_id,
            "user_id": bob.user_id,
            "user_email": "bob@example.com",
            "token_id": lab_token.pk,
            "token_name": "lab",
            "group_policy_id": group.pk,
            "user_policy_id": user.pk,
            "source": "solve_job",
            "solver": "Advantage_system6.4",
            "status": "reserved",
            "estimate_ns": 40,
            "access_time_ns": None,
            "created_at": now,
            "closed_at": None,
        }

    def test_it_outlives_the_token_the_policy_and_the_member(self, assign, reserve, lab_token, alice, bob, now):
        assign(None, 100)
        assign(bob, 100)
        usage = reserve(bob, 40)
        before = Usage.objects.values().get()
        rename_token(token=QpuToken.objects.get(pk=lab_token.pk), name="renamed", by=alice)
        delete_token(token=QpuToken.objects.get(pk=lab_token.pk), by=alice)
        remove_member(membership=bob, by=alice)
        bob.user.delete()
        assert not TimeQuotaPolicy.objects.exists()
        assert Usage.objects.values().get() == before
        assert services.settle(usage=usage, access_time_ns=39, now=now)


class TestWhichLimitsApply:
    def test_it_books_on_the_groups_and_the_users(self, assign, reserve, bob, counters):
        group, user = assign(None, 100), assign(bob, 50)
        reserve(bob, 40)
        assert counters(group) == counters(user) == (0, 40)

    def test_it_books_on_nobody_elses(self, assign, reserve, alice, bob, charlie, counters):
        foreign = upload_token(scope="group", provider="dwave", name="lab", secret=SECRET, by=charlie)
        second = upload_token(scope="group", provider="dwave", name="second", secret=SECRET, by=alice)
        others = [
            assign(alice, 100),
            assign(None, 100, token=second),
            assign(bob, 100, token=second),
            assign(None, 100, token=foreign, by=charlie),
        ]
        reserve(bob, 40)
        assert [counters(policy) for policy in others] == [(0, 0)] * 4

    def test_without_a_policy_there_is_no_limit(self, reserve, bob):
        usage = reserve(bob, MAX_NS)
        assert (usage.group_policy_id, usage.user_policy_id) == (None, None)

    def test_personal_tokens_have_no_limit_and_belong_to_no_organization(self, reserve, bob, bobs_token):
        usage = reserve(bob, MAX_NS, token=bobs_token)
        assert (usage.organization_id, usage.group_policy_id, usage.user_policy_id) == (None, None, None)

    @pytest.mark.parametrize(
        ("group_ns", "user_ns", "refused_by"),
        [(39, 40, [Subject.GROUP]), (40, 39, [Subject.USER]), (39, 39, [Subject.GROUP, Subject.USER])],
    )
    def test_it_must_fit_into_both(self, assign, reserve, bob, counters, group_ns, user_ns, refused_by):
        group, user = assign(None, group_ns), assign(bob, user_ns)
        with pytest.raises(QuotaExceeded) as error:
            reserve(bob, 40)
        assert refusals(error) == [(subject, Reason.EXHAUSTED) for subject in refused_by]
        assert counters(group) == counters(user) == (0, 0)
        assert not Usage.objects.exists()


class TestRefusals:
    def test_what_fits_fits_to_the_nanosecond(self, assign, reserve, bob, counters):
        policy = assign(None, 100)
        reserve(bob, 99)
        reserve(bob, 1)
        with pytest.raises(QuotaExceeded):
            reserve(bob, 1)
        assert counters(policy) == (0, 100)

    def test_the_window_holds_to_the_microsecond(self, assign, reserve, bob, now):
        tick = timedelta(microseconds=1)
        start, end = now + timedelta(days=1), now + timedelta(days=2)
        assign(None, 100, start=start, end=end)
        for moment, reason in ((start - tick, Reason.NOT_STARTED), (end, Reason.ENDED)):
            with pytest.raises(QuotaExceeded) as error:
                reserve(bob, 1, now=moment)
            assert refusals(error) == [(Subject.GROUP, reason)]
        assert reserve(bob, 1, now=start)
        assert reserve(bob, 1, now=end - tick)

    def test_they_say_it_in_words(self, assign, reserve, bob):
        assign(None, 5_000_000)
        assign(bob, 0)
        with pytest.raises(QuotaExceeded) as error:
            reserve(bob, 15_148_020)
        assert str(error.value) == (
            "Refused by the group quota of this token: needs about 15.2 ms, 5 ms left of 5 ms. "
            "That changes when an admin raises the quota. "
            "Refused by the user quota of this token: needs about 15.2 ms, 0 s left of 0 s. "
            "That changes when an admin raises the quota."
        )

    def test_a_refused_job_writes_nothing(self, assign, reserve, bob, django_assert_num_queries):
        """So that hammering at a spent quota keeps nobody else waiting."""
        assign(None, 0)
        with django_assert_num_queries(2) as queries, pytest.raises(QuotaExceeded):
            reserve(bob, 1)
        assert all(query["sql"].startswith("SELECT") for query in queries)

    @pytest.mark.parametrize("estimate_ns", [0, -1, MAX_NS + 1])
    def test_an_estimate_is_positive_and_can_be_stored(self, reserve, bob, estimate_ns):
        with pytest.raises(ValidationError, match="A job takes"):
            reserve(bob, estimate_ns)

    def test_a_plan_without_group_tokens_has_no_jobs_on_them(self, reserve, bob, bobs_token):
        bob.organization.plan = Plan.BASIC
        with pytest.raises(PermissionDenied, match="basic plan"):
            reserve(bob, 1)
        assert reserve(bob, 1, token=bobs_token)

    def test_a_token_of_others_is_not_to_be_used(self, reserve, charlie, alice, bobs_token):
        for member, token in ((charlie, None), (alice, bobs_token)):
            with pytest.raises(PermissionDenied, match="no longer yours"):
                reserve(member, 1, **({"token": token} if token else {}))
        assert not Usage.objects.exists()

    def test_a_member_who_was_removed_meanwhile_is_not_freed_of_their_limit(self, assign, reserve, alice, bob):
        assign(bob, 0)
        gone = type(bob).objects.select_related("user", "organization").get(pk=bob.pk)
        remove_member(membership=bob, by=alice)
        with pytest.raises(PermissionDenied, match="no longer yours"):
            reserve(gone, 1)

    def test_a_token_that_was_deleted_meanwhile_is_not_freed_of_its_limit(self, assign, reserve, lab_token, alice, bob):
        assign(None, 0)
        delete_token(token=QpuToken.objects.get(pk=lab_token.pk), by=alice)
        with pytest.raises(PermissionDenied, match="no longer yours"):
            reserve(bob, 1)


class TestSomebodyWasFaster:
    """What happens between the look at the policies and the booking."""

    @pytest.fixture
    def meanwhile(self, monkeypatch):
        """meanwhile(act): `act` happens between the first look at the policies and the booking that follows."""
        book = services.book

        def happens(act):
            def act_and_book(*args):
                monkeypatch.setattr(services, "book", book)
                act()
                return book(*args)

            monkeypatch.setattr(services, "book", act_and_book)

        return happens

    def test_who_took_the_last_room_gets_it(self, assign, reserve, meanwhile, alice, bob, counters):
        policy = assign(None, 50)
        meanwhile(lambda: reserve(alice, 20))
        with pytest.raises(QuotaExceeded):
            reserve(bob, 40)
        assert counters(policy) == (0, 20)
        assert Usage.objects.get().user_email == "alice@example.com"

    def test_it_fits_if_there_is_room_all_the_same(self, assign, reserve, meanwhile, alice, bob, counters):
        policy = assign(None, 60)
        meanwhile(lambda: reserve(alice, 20))
        reserve(bob, 40)
        assert counters(policy) == (0, 60)

    def test_it_looks_again_when_a_policy_was_removed(self, assign, reserve, meanwhile, alice, bob, counters):
        group, user = assign(None, 60), assign(bob, 60)
        meanwhile(lambda: services.remove_quota(policy=user, by=alice))
        usage = reserve(bob, 40)
        assert (usage.group_policy_id, usage.user_policy_id) == (group.pk, None)
        assert counters(group) == (0, 40)

    def test_a_lowered_quota_holds(self, assign, reserve, meanwhile, alice, bob, counters):
        policy = assign(None, 60)
        meanwhile(lambda: services.change_quota(policy=policy, quota_ns=39, by=alice))
        with pytest.raises(QuotaExceeded):
            reserve(bob, 40)

    def test_an_ended_quota_holds(self, assign, reserve, meanwhile, alice, bob, now):
        policy = assign(None, 60, start=now - timedelta(days=2))
        meanwhile(lambda: services.change_quota(policy=policy, end=now, by=alice))
        with pytest.raises(QuotaExceeded) as error:
            reserve(bob, 40)
        assert refusals(error) == [(Subject.GROUP, Reason.ENDED)]

    def test_a_removed_member_is_refused(self, assign, reserve, meanwhile, alice, bob):
        assign(bob, 60)
        meanwhile(lambda: remove_member(membership=type(bob).objects.get(pk=bob.pk), by=alice))
        with pytest.raises(PermissionDenied):
            reserve(bob, 40)
        assert not Usage.objects.exists()

    def test_a_job_that_fits_into_one_policy_only_is_booked_on_none(
        self, assign, reserve, meanwhile, alice, bob, counters
    ):
        group, user = assign(None, 100), assign(bob, 50)
        meanwhile(lambda: reserve(bob, 20))
        with pytest.raises(QuotaExceeded, match="user quota"):
            reserve(bob, 40)
        assert counters(group) == counters(user) == (0, 20)


class TestQueries:
    """The same few, however much there is. BEGIN and COMMIT are savepoints here, and not counted elsewhere."""

    @pytest.mark.parametrize(("policies", "queries"), [("", 5), ("g", 6), ("u", 6), ("gu", 7)])
    def test_one_for_each_policy_and_five_besides(
        self, assign, reserve, bob, django_assert_num_queries, policies, queries
    ):
        if "g" in policies:
            assign(None, 100)
        if "u" in policies:
            assign(bob, 100)
        with django_assert_num_queries(
            queries
        ):  # 2 looks, savepoint, line, a booking for each policy, end of savepoint
            reserve(bob, 40)

    def test_other_members_and_jobs_add_none(self, assign, reserve, alice, bob, django_assert_num_queries):
        assign(None, 10_000)
        for number in range(20):
            member = join("Acme", f"member{number}@example.com", "member")
            assign(member, 100)
            reserve(member, 40)
        with django_assert_num_queries(6):
            reserve(bob, 40)
