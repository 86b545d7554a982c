from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from types import SimpleNamespace

import pytest
from django.db import transaction
from django.db.transaction import TransactionManagementError

from accounts.models import User
from audit import log
from audit.models import Event

SIGNED_IN = Event.Action.USER_SIGNED_IN
pytestmark = pytest.mark.django_db


@dataclass
class Member:
    """What organizations.Membership looks like from down here."""

    user: User
    organization: object
    key: object = None


@pytest.fixture
def alice():
    return User.objects.create_user("alice@example.com")


@pytest.fixture
def member(alice):
    return Member(
        alice, organization=SimpleNamespace(pk=7), key=SimpleNamespace(label="ci (lp_1234…)", digest="d1g357")
    )


class TestWhatItWritesDown:
    def test_who_did_what_to_what_on_whose_behalf(self, member, alice):
        before = datetime.now(UTC)
        log.record(
            Event.Action.QUOTA_ASSIGNED, by=member, target=alice, quota_ns=5, former=None, whole=True, window="week"
        )

        event = Event.objects.get()
        assert before <= event.at <= datetime.now(UTC)
        assert event.action == "quota_assigned"
        assert (event.actor_id, event.actor, event.key) == (alice.pk, "alice@example.com", "ci (lp_1234…)")
        assert event.organization_id == 7
        assert (event.target_type, event.target_id, event.target) == (
            "accounts.User",
            str(alice.pk),
            "alice@example.com",
        )
        assert event.details == {"quota_ns": 5, "former": None, "whole": True, "window": "week"}
        assert event.address is None

    def test_a_user_without_an_organization(self, alice):
        event = log.record(Event.Action.PASSWORD_CHANGED, by=alice, target=alice)

        assert (event.actor_id, event.actor, event.key, event.organization_id) == (alice.pk, alice.email, "", None)

    def test_the_system_and_nothing_in_particular(self):
        event = log.record(Event.Action.USER_SIGN_IN_FAILED, by=None, target=None)

        assert (event.actor_id, event.actor, event.organization_id) == (None, "", None)
        assert (event.target_type, event.target_id, event.target) == ("", "", "")

    def test_another_organization_than_the_actors(self, member):
        event = log.record(SIGNED_IN, by=member, target=None, organization=SimpleNamespace(pk=8))

        assert event.organization_id == 8

    def test_nobodys_organization(self, member):
        assert log.record(SIGNED_IN, by=member, target=None, organization=None).organization_id is None

    def test_moments_as_iso_text(self):
        log.record(SIGNED_IN, by=None, target=None, starts_at=datetime(2026, 11, 22, 15, 30, tzinfo=UTC))

        assert Event.objects.get().details == {"starts_at": "2026-11-22T15:30:00+00:00"}

    def test_members_of_enumerations_as_text(self):
        log.record(SIGNED_IN, by=None, target=None, role=StrEnum("Role", ["ADMIN"]).ADMIN)

        assert Event.objects.get().details == {"role": "admin"}

    def test_large_integers_exactly(self):
        log.record(SIGNED_IN, by=None, target=None, quota_ns=2**63 - 1)

        assert Event.objects.get().details == {"quota_ns": 2**63 - 1}

    def test_it_outlives_its_subject(self, alice, member):
        log.record(SIGNED_IN, by=member, target=alice)
        alice.delete()

        assert Event.objects.get().actor == "alice@example.com"

    def test_it_takes_one_query(self, member, alice, django_assert_num_queries):
        with django_assert_num_queries(1):
            log.record(SIGNED_IN, by=member, target=alice, why="because")


class TestWhatItRefuses:
    @pytest.mark.parametrize(
        "value",
        [object(), User(), b"bytes", 1.5, ["a"], {"a": "b"}, SimpleNamespace(secret="s3cr3t")],
        ids=lambda v: type(v),
    )
    def test_values_that_are_not_plain(self, value):
        with pytest.raises(TypeError, match="plain values; what is of type") as caught:
            log.record(SIGNED_IN, by=None, target=None, what=value)

        assert "s3cr3t" not in str(caught.value)
        assert not Event.objects.exists()

    @pytest.mark.parametrize(
        "name", ["token", "secret", "password", "new_password", "api_key", "key", "keys", "seed", "credentials"]
    )
    def test_names_of_secrets(self, name):
        with pytest.raises(ValueError, match=f"takes no {name}") as caught:
            log.record(SIGNED_IN, by=None, target=None, **{name: "s3cr3t"})

        assert "s3cr3t" not in str(caught.value)
        assert not Event.objects.exists()

    @pytest.mark.parametrize("name", ["token_name", "key_id", "monkey", "former_name", "secret_changed_at"])
    def test_not_names_that_only_speak_of_them(self, name):
        assert log.record(SIGNED_IN, by=None, target=None, **{name: "x"}).details == {name: "x"}

    def test_unknown_actions(self):
        with pytest.raises(ValueError, match="user_exploded"):
            log.record("user_exploded", by=None, target=None)


class TestTransactions:
    @pytest.mark.django_db(transaction=True)
    def test_it_refuses_to_write_outside_of_one(self):
        with pytest.raises(TransactionManagementError, match="transaction of what it records"):
            log.record(SIGNED_IN, by=None, target=None)

        assert not Event.objects.exists()

    def test_the_line_goes_when_the_change_is_rolled_back(self):
        @transaction.atomic
        def change():
            log.record(SIGNED_IN, by=None, target=None)
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            change()
        assert not Event.objects.exists()

    def test_the_change_is_rolled_back_when_the_line_fails(self, alice):
        @transaction.atomic
        def change():
            User.objects.update(first_name="Mallory")
            log.record(SIGNED_IN, by=None, target=None, what=object())

        with pytest.raises(TypeError):
            change()
        alice.refresh_from_db()
        assert alice.first_name == ""
