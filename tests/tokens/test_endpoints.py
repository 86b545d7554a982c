"""Where members may have tokens sent: to hosts that the operator allows, and to nothing that looks like one."""

import pytest
from django.core.exceptions import ImproperlyConfigured, PermissionDenied, ValidationError

from audit.models import Event
from tests.conftest import SECRET
from tokens.addresses import validate_endpoint, validate_hosts
from tokens.endpoints import clean_endpoint, endpoint_of
from tokens.models import QpuToken
from tokens.services import change_token, move_token, upload_token

URL = "/api/v1/organizations/acme/qpu-tokens"
LAB = f"{URL}/group/lab"
MINE = f"{URL}/personal/mine"
EUROPE = "https://eu-central-1.cloud.dwavesys.com/sapi/v2/"

HOSTILE = [
    # other hosts, and what a suffix, a prefix or a pattern would let through
    "https://evil.example.com/sapi/v2/",
    "https://eu-central-1.cloud.dwavesys.com.evil.example.com/",
    "https://evil-cloud.dwavesys.com/",
    "https://evil.cloud.dwavesys.com/",
    "https://dwavesys.com/",
    "https://cloud.dwavesys.com./sapi/v2/",
    "https://cloud_dwavesys.com/",
    "https://xcloud.dwavesys.com/",
    # what is inside
    "http://127.0.0.1/",
    "http://127.0.0.1:8000/sapi/v2/",
    "http://localhost:6379/",
    "http://[::1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://0/",
    "http://2130706433/",
    "http://0x7f.1/",
    "http://169.254.169.254/latest/meta-data/",
    "https://metadata.google.internal/",
    # other schemes and ports
    "http://eu-central-1.cloud.dwavesys.com/sapi/v2/",
    "https://eu-central-1.cloud.dwavesys.com:8443/sapi/v2/",
    "https://eu-central-1.cloud.dwavesys.com:80/",
    "https://eu-central-1.cloud.dwavesys.com:0443/",
    "https://eu-central-1.cloud.dwavesys.com:99999/",
    "https://eu-central-1.cloud.dwavesys.com:/",
    "ftp://eu-central-1.cloud.dwavesys.com/",
    "file:///etc/passwd",
    "gopher://eu-central-1.cloud.dwavesys.com/",
    "javascript:alert(1)",
    "//eu-central-1.cloud.dwavesys.com/",
    "eu-central-1.cloud.dwavesys.com",
    "/sapi/v2/",
    "https:eu-central-1.cloud.dwavesys.com",
    "https:///eu-central-1.cloud.dwavesys.com/",
    "https:/eu-central-1.cloud.dwavesys.com/",
    # user info, and what readers of addresses disagree about
    "https://eu-central-1.cloud.dwavesys.com@evil.example.com/",
    "https://user:password@eu-central-1.cloud.dwavesys.com/",
    "https://@eu-central-1.cloud.dwavesys.com/",
    "https://evil.example.com#@eu-central-1.cloud.dwavesys.com/",
    "https://evil.example.com\\@eu-central-1.cloud.dwavesys.com/",
    "https://eu-central-1.cloud.dwavesys.com\\.evil.example.com/",
    "https://eu-central-1.cloud.dwavesys.com;evil.example.com/",
    "https://eu-central-1.cloud.dwavesys.com,evil.example.com/",
    # query and fragment
    "https://eu-central-1.cloud.dwavesys.com/sapi/v2/?x=1",
    "https://eu-central-1.cloud.dwavesys.com?x",
    "https://eu-central-1.cloud.dwavesys.com/#x",
    "https://eu-central-1.cloud.dwavesys.com#",
    # escapes and foreign letters
    "https://eu-central-1.cloud.dwavesys%2ecom/",
    "https://eu-central-1.cloud.dwavesys.com%2f@evil.example.com/",
    "https://eu-central-1.cloud.dwavesys.com/sapi%2fv2/",
    "https://eu-central-1.cloud.dwavesys.com/%2e%2e/",
    "https://eu-central-1.cloud.dwavesys.c\u043em/",  # a Cyrillic o
    "https://eu-central-1.cloud.dwave\u017fys.com/",  # a long s, which is an s without case
    "https://eu-central-1\u3002cloud.dwavesys.com/",  # a full stop that some take for a dot
    "https://\u24d4u-central-1.cloud.dwavesys.com/",  # a circled e
    "https://eu-central-1.cloud.dwavesys.com\uff0fevil/",
    "https://eu-central-1.cloud.dwavesys.com/\u00e4/",
    # ways up and doubled slashes
    "https://eu-central-1.cloud.dwavesys.com/sapi/../admin/",
    "https://eu-central-1.cloud.dwavesys.com/..",
    "https://eu-central-1.cloud.dwavesys.com/./",
    "https://eu-central-1.cloud.dwavesys.com//evil.example.com/",
    "https://eu-central-1.cloud.dwavesys.com/sapi//",
    # blanks and control characters
    "https://eu-central-1.cloud.dwavesys.com/ sapi/",
    "https://eu-central-1.cloud.dwavesys.com /",
    "https://eu-central-1.cloud.dwavesys.com/\r\nX-Evil: 1",
    "https://eu-central-1.cloud.dwavesys.com/\nv2/",
    "https://eu-central-1.cloud.dwavesys.com\t/",
    "https://eu-central-1.cloud.dwavesys.com/\x00",
    "https://eu-central-1.cloud.dwavesys.com/\x7f",
    "https://eu-central-1.cloud.dwavesys.com/\u200b",
    # too much
    "https://" + "a" * 100_000,
    "https://" + "a." * 100_000 + "/" + "x/" * 100_000 + "?",
]


class TestOneForm:
    @pytest.mark.parametrize(
        ("entered", "kept"),
        [
            (EUROPE, EUROPE),
            (EUROPE.rstrip("/"), EUROPE),
            (f" {EUROPE}\n", EUROPE),
            ("HTTPS://EU-Central-1.Cloud.DWaveSys.com/sapi/v2", EUROPE),
            ("https://eu-central-1.cloud.dwavesys.com:443/sapi/v2/", EUROPE),
            ("https://cloud.dwavesys.com", "https://cloud.dwavesys.com/"),
            ("https://cloud.dwavesys.com/Sapi/v2.1_x~y-z", "https://cloud.dwavesys.com/Sapi/v2.1_x~y-z/"),
            ("", ""),
            (" ", ""),
        ],
    )
    def test_it_keeps(self, entered, kept):
        assert clean_endpoint(entered, "dwave") == kept
        assert clean_endpoint(kept, "dwave") == kept

    @pytest.mark.parametrize("address", HOSTILE)
    def test_it_refuses(self, address):
        with pytest.raises(ValidationError) as refusal:
            clean_endpoint(address, "dwave")
        assert list(refusal.value.message_dict) == ["endpoint"]
        assert address not in str(refusal.value) or address in EUROPE

    def test_it_refuses_what_is_too_long(self):
        assert clean_endpoint(EUROPE + "x" * (199 - len(EUROPE)), "dwave")
        with pytest.raises(ValidationError, match="at most 200 characters"):
            clean_endpoint(EUROPE + "x" * (200 - len(EUROPE)), "dwave")

    def test_the_refusal_says_what_is_allowed(self, settings):
        settings.DWAVE_ENDPOINT_HOSTS = validate_hosts(["cloud.dwavesys.com", "http://127.0.0.1:8001"])

        with pytest.raises(ValidationError, match=r"https://cloud\.dwavesys\.com, http://127\.0\.0\.1:8001\."):
            clean_endpoint("https://evil.example.com/", "dwave")

    @pytest.mark.parametrize("provider", ["ibm", "qctrl", "aws"])
    def test_only_d_wave_has_endpoints(self, provider):
        with pytest.raises(ValidationError, match="Only tokens for D-Wave"):
            clean_endpoint(EUROPE, provider)
        assert clean_endpoint("", provider) == ""


class TestHostsOfTheOperator:
    @pytest.mark.parametrize(
        ("entry", "origin"),
        [
            ("cloud.dwavesys.com", "https://cloud.dwavesys.com"),
            (" Cloud.DWaveSys.com ", "https://cloud.dwavesys.com"),
            ("cloud.dwavesys.com:443", "https://cloud.dwavesys.com"),
            ("https://proxy.example.com:8443/", "https://proxy.example.com:8443"),
            ("http://127.0.0.1:8001", "http://127.0.0.1:8001"),
            ("http://[::1]:8001", "http://[::1]:8001"),
            ("http://dwave_emulator:80", "http://dwave_emulator"),
        ],
    )
    def test_an_entry_means_https_unless_it_says_otherwise(self, entry, origin):
        assert validate_hosts([entry]) == [origin]

    @pytest.mark.parametrize(
        "entry", ["", "*", "*.dwavesys.com", ".dwavesys.com", "a/b", "ftp://host", "user@host", "host:0", "host:70000"]
    )
    def test_an_entry_that_is_no_host_stops_the_start(self, entry):
        with pytest.raises(ImproperlyConfigured, match="DWAVE_ENDPOINT_HOSTS: entry 2"):
            validate_hosts(["cloud.dwavesys.com", entry])

    def test_the_portal_s_own_endpoint_has_one_slash_at_its_end(self):
        assert validate_endpoint("http://127.0.0.1:8001/sapi/v2") == "http://127.0.0.1:8001/sapi/v2/"
        with pytest.raises(ImproperlyConfigured, match="DWAVE_UPSTREAM_ENDPOINT"):
            validate_endpoint("127.0.0.1:8001")

    def test_hosts_are_allowed_in_whole_with_their_scheme_and_port(self, settings):
        settings.DWAVE_ENDPOINT_HOSTS = validate_hosts(["http://127.0.0.1:8001"])

        assert clean_endpoint("http://127.0.0.1:8001/sapi/v2", "dwave")
        for other in [
            "https://127.0.0.1:8001/",
            "http://127.0.0.1:8002/",
            "http://127.0.0.1/",
            "http://127.0.0.2:8001/",
        ]:
            with pytest.raises(ValidationError):
                clean_endpoint(other, "dwave")

    def test_the_host_of_the_portal_s_own_endpoint_always_counts(self, settings):
        settings.DWAVE_UPSTREAM_ENDPOINT = "https://proxy.example.com:8443/dwave/sapi/v2/"
        settings.DWAVE_ENDPOINT_HOSTS = []

        assert clean_endpoint("https://proxy.example.com:8443/europe/sapi/v2/", "dwave")


@pytest.mark.django_db
class TestEndpointOf:
    def test_it_is_the_portal_s_own_unless_the_token_has_one(self, settings, lab_token):
        assert endpoint_of(lab_token) == settings.DWAVE_UPSTREAM_ENDPOINT
        lab_token.endpoint = EUROPE
        assert endpoint_of(lab_token) == EUROPE

    def test_a_host_that_was_taken_from_the_list_is_not_used(self, settings, alice, lab_token):
        move_token(token=lab_token, endpoint=EUROPE, by=alice)
        settings.DWAVE_ENDPOINT_HOSTS = validate_hosts(["cloud.dwavesys.com"])

        with pytest.raises(PermissionDenied, match="operator does not allow the endpoint https://eu-central-1"):
            endpoint_of(QpuToken.objects.get())

    def test_whatever_is_stored_is_compared_as_it_is_used(self, lab_token):
        for address in HOSTILE:
            lab_token.endpoint = address
            with pytest.raises(PermissionDenied):
                endpoint_of(lab_token)


class TestUpload:
    NEW = {"scope": "group", "provider": "dwave", "name": "new", "token": SECRET}

    def test_it_takes_an_endpoint(self, api, alice, settings, dwave):
        settings.DWAVE_ENDPOINT_HOSTS = []

        answer = api(alice).post(URL, self.NEW | {"endpoint": dwave.endpoint}, format="json")

        assert answer.status_code == 201
        assert answer.json()["endpoint"] == QpuToken.objects.get().endpoint == f"{dwave.endpoint}/"

    def test_without_one_it_is_the_portal_s_own(self, api, alice):
        assert api(alice).post(URL, self.NEW, format="json").json()["endpoint"] == ""

    @pytest.mark.parametrize("address", HOSTILE[:3])
    def test_a_host_that_is_not_allowed_is_422(self, api, alice, address):
        answer = api(alice).post(URL, self.NEW | {"endpoint": address}, format="json")

        assert answer.status_code == 422
        assert set(answer.json()["errors"]) == {"endpoint"}
        assert not QpuToken.objects.exists()


class TestChange:
    def test_who_manages_the_token_changes_it_and_it_is_audited(self, api, alice, lab_token):
        answer = api(alice).patch(LAB, {"endpoint": EUROPE}, format="json")

        assert answer.status_code == 200
        assert (answer.json()["endpoint"], answer.json()["name"]) == (EUROPE, "lab")
        event = Event.objects.latest("id")
        assert (event.action, event.organization_id) == ("token_changed", alice.organization_id)
        assert event.details == {"endpoint": EUROPE, "former_endpoint": ""}

    def test_its_owner_changes_a_personal_one(self, api, bob, bobs_token):
        assert api(bob).patch(MINE, {"endpoint": EUROPE}, format="json").json()["endpoint"] == EUROPE
        assert Event.objects.get(action="token_changed").organization_id is None

    def test_everybody_who_can_use_the_token_sees_it(self, api, alice, bob, lab_token):
        move_token(token=lab_token, endpoint=EUROPE, by=alice)

        assert api(bob).get(LAB).json()["endpoint"] == EUROPE
        assert api(bob).patch(LAB, {"endpoint": ""}, format="json").status_code == 403

    def test_back_to_the_portal_s_own(self, api, alice, lab_token):
        move_token(token=lab_token, endpoint=EUROPE, by=alice)

        assert api(alice).patch(LAB, {"endpoint": ""}, format="json").json()["endpoint"] == ""

    def test_name_and_endpoint_change_together_or_not_at_all(self, api, alice, lab_token):
        both = {"name": "new", "endpoint": "https://evil.example.com/"}

        assert api(alice).patch(LAB, both, format="json").status_code == 422
        assert QpuToken.objects.get().name == "lab"
        assert api(alice).patch(LAB, both | {"endpoint": EUROPE}, format="json").status_code == 200
        assert QpuToken.objects.filter(name="new", endpoint=EUROPE).exists()

    def test_what_is_as_it_was_leaves_no_line(self, alice, lab_token):
        change_token(token=lab_token, name="lab", endpoint="", by=alice)
        change_token(token=lab_token, by=alice)

        assert list(Event.objects.filter(target_type="tokens.QpuToken").values_list("action", flat=True)) == [
            "token_uploaded"
        ]

    def test_it_writes_down_the_one_that_it_replaces_not_the_one_that_the_caller_knows(self, alice, lab_token):
        stale = QpuToken.objects.get()
        move_token(token=lab_token, endpoint=EUROPE, by=alice)

        move_token(token=stale, endpoint="", by=alice)

        assert QpuToken.objects.get().endpoint == ""
        assert Event.objects.latest("id").details == {"endpoint": "", "former_endpoint": EUROPE}

    def test_another_provider_s_has_none(self, api, alice):
        upload_token(scope="group", provider="ibm", name="lab", secret=SECRET, by=alice)

        answer = api(alice).patch(LAB, {"endpoint": EUROPE}, format="json")

        assert answer.status_code == 422
        assert "Only tokens for D-Wave" in answer.json()["message"]

    def test_what_was_learned_at_the_old_one_is_forgotten(self, alice, lab_token):
        QpuToken.objects.update(works=True, tested_at=lab_token.created_at)

        move_token(token=lab_token, endpoint=EUROPE, by=alice)

        token = QpuToken.objects.get()
        assert (token.works, token.tested_at) == (None, None)
