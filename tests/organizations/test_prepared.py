"""Queries whose SQL is written once give what Django gives."""

import pytest
from django.db.models import QuerySet

from organizations.models import Membership
from organizations.permissions import Role
from organizations.prepared import Prepared


@pytest.fixture
def members(alice, bob, charlie):
    return [alice, bob, charlie]


def everything(membership: Membership) -> list[list[object]]:
    rows = (membership, membership.user, membership.organization)
    return [[getattr(row, field.attname) for field in row._meta.concrete_fields] for row in rows]


def with_emails(*emails: str) -> QuerySet[Membership]:
    return Membership.objects.filter(user__email__in=emails).select_related("user", "organization").order_by("pk")


class TestPrepared:
    def test_it_makes_the_same_objects_with_what_is_selected_beside_them(self, members, django_assert_num_queries):
        emails = [member.user.email for member in members]
        expected = [everything(member) for member in with_emails(*emails)]
        prepared = Prepared(with_emails)

        with django_assert_num_queries(1):
            found = [everything(member) for member in prepared(*emails)]

        assert found == expected

    def test_other_values_give_other_rows(self, alice, bob):
        prepared = Prepared(with_emails)

        assert [prepared(member.user.email) for member in (alice, bob)] == [[alice], [bob]]
        assert prepared("nobody@example.com") == []

    def test_so_do_more_values(self, alice, bob, charlie):
        prepared = Prepared(with_emails)

        assert prepared(bob.user.email) == [bob]
        assert prepared(charlie.user.email, bob.user.email) == [bob, charlie]

    def test_constants_stay(self, alice, bob):
        prepared = Prepared(
            lambda organization_id: Membership.objects.filter(organization=organization_id, role=Role.ADMIN)
        )

        assert prepared(alice.organization_id) == [alice]

    def test_django_writes_the_sql_once(self, alice, bob):
        written = []

        def build(pk: int) -> QuerySet[Membership]:
            written.append(pk)
            return Membership.objects.filter(pk=pk)

        prepared = Prepared(build)
        found = prepared(alice.pk) + prepared(bob.pk)

        assert found == [alice, bob]
        assert len(written) == 1

    def test_a_value_cannot_become_sql(self, alice):
        assert Prepared(with_emails)("' OR 1=1 --", "%s") == []

    @pytest.mark.parametrize(
        "build",
        [
            lambda name: Membership.objects.filter(user__email__contains=name),  # compares with something else
            lambda name: Membership.objects.all(),
        ],
    )
    def test_it_refuses_a_query_in_which_a_value_gets_lost(self, alice, build):
        with pytest.raises(TypeError):
            Prepared(build)("alice")
