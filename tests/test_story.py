"""The whole way, by the doors that people use: from signing up to a colleague who can use the lab's token."""

import re

import pytest
from django.core import mail
from django.core.cache import cache
from django.test import Client
from rest_framework.test import APIClient

from tests.conftest import SECRET

PASSWORD = "correct horse battery staple"


@pytest.fixture(autouse=True)
def no_rate_limits_from_before():
    cache.clear()


def link_in_last_mail() -> str:
    return re.findall(r"^https?://[^/\s]+(/\S+)$", mail.outbox[-1].body, re.MULTILINE)[0]


def key_from(page: str) -> str:
    return re.search(r"luna_[\w-]{40,}", page)[0]


@pytest.mark.django_db(transaction=True)
def test_a_lab_starts_and_a_colleague_joins():
    # Ada signs up, confirms her address and signs in.
    ada = Client()
    ada.post("/accounts/signup/", {"email": "ada@example.com", "password1": PASSWORD, "password2": PASSWORD})
    ada.post(link_in_last_mail())
    ada.post("/accounts/login/", {"login": "ada@example.com", "password": PASSWORD})
    assert "You belong to no organization yet." in ada.get("/").content.decode()

    # She founds an organization, and makes a key.
    assert ada.post("/organizations/new", {"name": "Quantum Lab"})["Location"] == "/o/quantum-lab"
    form = {"name": "laptop", "scopes": ["read", "run", "manage"], "lifetime": "365"}
    page = ada.post("/o/quantum-lab/keys/new", form).content.decode()
    program = APIClient(headers={"Luna-API-Key": key_from(page)})

    # With it she uploads the lab's token, gives everybody together a quota, and invites Ben.
    lab = "/api/v1/organizations/quantum-lab"
    token = {"scope": "group", "provider": "dwave", "name": "advantage", "token": SECRET}
    assert program.post(f"{lab}/qpu-tokens", token, format="json").status_code == 201
    url = f"{lab}/qpu-tokens/group/advantage/quotas/group"
    assert program.post(url, {"quota_ns": 60_000_000_000}, format="json").status_code == 201
    assert program.post(f"{lab}/invitations", {"emails": ["ben@example.com"]}, format="json").status_code == 201

    # Ben opens the link, makes an account without another mail, and joins.
    ben, invitation = Client(), link_in_last_mail()
    assert "Join Quantum Lab" in ben.get(invitation).content.decode()
    sign_up = ben.post(f"{invitation}/sign-up")["Location"]
    sent = len(mail.outbox)
    ben.post(sign_up, {"email": "ben@example.com", "password1": PASSWORD, "password2": PASSWORD})
    assert len(mail.outbox) == sent
    dashboard = ben.post(invitation, follow=True).content.decode()

    # He sees the token and what is left, but never the secret, and may use it and no more.
    assert "advantage" in dashboard
    assert "1 min</data> left of" in dashboard
    page = ben.post("/o/quantum-lab/keys/new", form).content.decode()
    bens_program = APIClient(headers={"Luna-API-Key": key_from(page)})
    can_run = bens_program.get(f"{lab}/qpu-tokens/group/advantage/can-run?access_time_ns=16000000").json()
    assert can_run["allowed"]
    shared = bens_program.get("/luna-solve/api/v1/qpu-tokens").json()["shared"]
    assert [token["name"] for token in shared] == ["advantage"]
    assert bens_program.delete(f"{lab}/qpu-tokens/group/advantage").status_code == 403

    # What they did is on record, and the secret is nowhere.
    audit = program.get(f"{lab}/audit?order=id").json()["results"]
    assert [line["action"] for line in audit] == [
        "organization_created",
        "key_issued",
        "token_uploaded",
        "quota_assigned",
        "invitation_sent",
        "invitation_accepted",
        "key_issued",
    ]
    assert SECRET not in str(audit) + dashboard + page + str(shared)

    # Ben leaves: his key is dead, the record stays.
    assert bens_program.delete(f"{lab}/membership").status_code == 204
    assert bens_program.get(lab).status_code == 401
    assert ben.get("/o/quantum-lab").status_code == 404
