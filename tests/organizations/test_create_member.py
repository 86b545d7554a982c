"""manage.py create_member, for operators and scripts."""

import json

import pytest
from allauth.account.models import EmailAddress
from django.core.management import CommandError, call_command
from rest_framework.test import APIClient

from accounts.models import User
from audit.models import Event
from organizations import services
from organizations.models import ApiKey, Membership, Organization
from organizations.permissions import Role

from .conftest import ACME, add_member, audited

pytestmark = pytest.mark.django_db


def create_member(capsys, *options, organization="Acme", email="bob@example.com", key="laptop"):
    call_command("create_member", "--organization", organization, "--email", email, "--key", key, *options)
    return capsys.readouterr().out


def test_it_makes_what_is_missing(capsys, settings):
    settings.DEFAULT_PLAN = "enterprise"
    answer = json.loads(create_member(capsys, "--role", "admin", "--json", email="Bob@Example.com"))
    assert answer.pop("api_key").startswith("luna_")
    assert answer == {"email": "bob@example.com", "organization": "Acme", "role": "admin"}

    assert Organization.objects.get().plan == "enterprise"
    assert EmailAddress.objects.get().verified
    user = User.objects.get()
    assert not user.has_usable_password()
    assert not user.is_staff


def test_the_key_works(capsys):
    raw_key = json.loads(create_member(capsys, "--json"))["api_key"]
    assert APIClient(headers={"Luna-API-Key": raw_key}).get(ACME).json()["name"] == "Acme"


def test_it_can_be_run_again_and_makes_a_fresh_key(capsys):
    keys = {json.loads(create_member(capsys, "--json"))["api_key"] for _ in range(2)}
    assert len(keys) == ApiKey.objects.count() == 2
    assert (Organization.objects.count(), User.objects.count(), Membership.objects.count()) == (1, 1, 1)
    assert len(audited(Event.Action.MEMBER_ADDED)) == 1


def test_it_changes_the_role_of_who_is_there_already(capsys, alice, bob):
    create_member(capsys, "--role", "admin")
    assert Membership.objects.get(pk=bob.pk).role == Role.ADMIN
    assert audited(Event.Action.ROLE_CHANGED)[0].actor == ""


def test_whoever_signed_up_with_the_address_without_confirming_it_does_not_get_in(capsys):
    user = User.objects.create_user("bob@example.com", "the password of a stranger")
    EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=False)

    create_member(capsys, "--role", "admin")

    user.refresh_from_db()
    assert not user.has_usable_password()


def test_who_has_confirmed_it_keeps_their_password(capsys, bob):
    bob.user.set_password("a password of their own")
    bob.user.save()

    create_member(capsys)

    bob.user.refresh_from_db()
    assert bob.user.check_password("a password of their own")


def test_without_json_it_says_so_in_words(capsys):
    said = create_member(capsys)
    assert said.startswith("bob@example.com is member of Acme.\n")
    assert "API key “laptop”, shown only now: luna_" in said


def test_the_audit_log_names_the_command_line_not_the_member(capsys):
    create_member(capsys, "--json")
    lines = Event.objects.order_by("id").values_list("action", "actor")
    assert [tuple(line) for line in lines] == [
        ("organization_created", ""),
        ("member_added", ""),
        ("key_issued", ""),
    ]
    assert set(Event.objects.values_list("organization_id", flat=True)) == {Organization.objects.get().pk}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"email": "bob@localhost"}, "full domain"),
        ({"email": "nonsense"}, "email"),
        ({"organization": "  "}, "blank"),
        ({"organization": "a\nb"}, "cannot be seen"),
        ({"key": ""}, "blank"),
    ],
)
def test_wrong_input_makes_nothing(capsys, options, message):
    with pytest.raises(CommandError, match=message):
        create_member(capsys, **options)
    assert not User.objects.exists()
    assert not Organization.objects.exists()
    assert not Event.objects.exists()


@pytest.mark.parametrize("options", [[], ["--organization", "Acme", "--email", "bob@example.com"]])
def test_what_it_needs_it_asks_for(options):
    with pytest.raises(CommandError, match="required"):
        call_command("create_member", *options)


def test_it_knows_two_roles(capsys):
    with pytest.raises(CommandError, match="invalid choice"):
        create_member(capsys, "--role", "owner")


def test_the_last_admin_stays_one(capsys, alice):
    with pytest.raises(CommandError, match="last admin"):
        create_member(capsys, email="alice@example.com")


def test_a_deactivated_account_gets_no_key(capsys, bob):
    User.objects.update(is_active=False)
    with pytest.raises(CommandError, match="deactivated"):
        create_member(capsys)
    assert bob.keys.count() == 1


def test_it_does_not_guess_between_organizations_of_one_name(capsys, alice):
    add_member("carol@example.com", organization="Initech")
    Organization.objects.update(name="Acme")
    with pytest.raises(CommandError, match="several organizations"):
        create_member(capsys)


class TestFoundedByMembers:
    """Where anybody may sign up, a stranger may have taken a name first."""

    @pytest.fixture
    def theirs(self, charlie):
        return services.create_organization(name="My Lab", by=charlie.user).organization

    @pytest.fixture
    def people(self, theirs):
        return lambda: set(theirs.memberships.values_list("user__email", "role"))

    def test_nobody_gets_into_one_by_its_name(self, capsys, people):
        before = people()

        with pytest.raises(CommandError, match=r"my-lab \(charlie@example.com\)\. .* --slug"):
            create_member(capsys, "--role", "admin", organization="My Lab")

        assert people() == before
        assert not User.objects.filter(email="bob@example.com").exists()

    def test_by_its_address_they_do(self, capsys, people):
        call_command("create_member", "--slug", "my-lab", "--email", "bob@example.com", "--key", "laptop")

        assert people() == {("charlie@example.com", "admin"), ("bob@example.com", "member")}

    def test_beside_the_operators_own_one_they_change_nothing(self, capsys, alice, charlie):
        services.create_organization(name="Acme", by=charlie.user)

        create_member(capsys)

        assert alice.organization.memberships.filter(user__email="bob@example.com").exists()

    def test_founders_who_are_operators_are_trusted(self, capsys, people, charlie):
        User.objects.filter(pk=charlie.user_id).update(is_staff=True)

        create_member(capsys, organization="My Lab")

        assert ("bob@example.com", "member") in people()

    def test_one_from_the_operators_admin_is_the_operators_own(self, capsys):
        made = Organization.objects.create(name="My Lab", slug="my-lab")

        create_member(capsys, organization="My Lab")

        assert made.memberships.get().user.email == "bob@example.com"


def test_an_unknown_address_makes_nothing(capsys):
    with pytest.raises(CommandError, match="no organization at this address"):
        call_command("create_member", "--slug", "nowhere", "--email", "bob@example.com", "--key", "laptop")
    assert not User.objects.exists()


def test_it_takes_a_name_or_an_address(capsys):
    with pytest.raises(CommandError, match="not allowed with"):
        create_member(capsys, "--slug", "acme")


def test_it_leaves_other_memberships_alone(capsys, bob):
    add_member("bob@example.com", organization="Initech", role=Role.ADMIN)
    create_member(capsys)
    assert set(Membership.objects.filter(user=bob.user).values_list("organization__slug", "role")) == {
        ("acme", "member"),
        ("initech", "admin"),
    }
