import pytest
from allauth.account.models import EmailAddress
from django.core import mail

from accounts.models import User
from audit.models import Event

from .conftest import link_in

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def signed_in(ada, sign_in, confirm_identity):
    sign_in(ada.email)
    confirm_identity()


def ask_for(client, email: str):
    return client.post("/accounts/email/", {"action_add": "", "email": email}, follow=True)


def test_it_changes_once_the_new_address_is_confirmed(ada, client, sign_in):
    ask_for(client, "Countess@Example.com")
    ada.refresh_from_db()
    assert ada.email == "ada@example.com"

    client.post(link_in(mail.outbox[0]))
    ada.refresh_from_db()
    assert ada.email == EmailAddress.objects.get().email == "countess@example.com"
    client.post("/accounts/logout/")
    assert sign_in("countess@example.com").wsgi_request.user == ada


def test_it_is_audited_and_told_to_the_old_address(ada, client):
    ask_for(client, "countess@example.com")
    client.post(link_in(mail.outbox[0]))
    event = Event.objects.order_by("id").last()
    assert (event.action, event.actor) == ("email_changed", "countess@example.com")
    assert event.details == {"former": "ada@example.com"}
    assert mail.outbox[1].to == ["ada@example.com"]
    assert "countess@example.com" in mail.outbox[1].body


def test_it_can_be_taken_back(ada, client):
    ask_for(client, "countess@example.com")
    client.post("/accounts/email/", {"action_remove": "", "email": "countess@example.com"})
    assert EmailAddress.objects.get().email == "ada@example.com"
    client.post(link_in(mail.outbox[0]))
    ada.refresh_from_db()
    assert ada.email == "ada@example.com"


def test_it_refuses_addresses_that_the_sdk_refuses(client):
    assert ask_for(client, "ada@localhost").context["form"]["email"].errors


@pytest.mark.parametrize("confirmed", [True, False])
def test_it_does_not_take_somebody_elses(ada, client, confirmed):
    other = User.objects.create_user("ida@example.com")
    EmailAddress.objects.create(user=other, email=other.email, verified=confirmed, primary=True)
    ask_for(client, "ida@example.com")
    response = client.post(link_in(mail.outbox[0]), follow=True)
    assert response.status_code == 200
    ada.refresh_from_db()
    assert ada.email == "ada@example.com"


def test_it_needs_the_password_once_more(client, ada, sign_in):
    client.post("/accounts/logout/")
    sign_in(ada.email)
    assert ask_for(client, "countess@example.com").wsgi_request.path == "/accounts/reauthenticate/"
    assert not mail.outbox
