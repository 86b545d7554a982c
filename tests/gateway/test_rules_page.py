"""Who manages a token sets its rules in the browser."""

import pytest

from gateway.models import TokenRules
from tests.conftest import SECRET
from tokens.services import upload_token

RULES = "/o/acme/tokens/group/lab/rules"


@pytest.fixture
def save(browser, alice, lab_token):
    """save(...): what is answered to Alice, who fills in these fields and leaves the others empty."""
    empty = {"solvers": "", "max_estimate_ns": "", "max_open_problems": ""}
    return lambda **fields: browser(alice).post(RULES, empty | fields, follow=True)


def test_rules_are_typed_as_people_say_them(save):
    answer = save(solvers="Advantage_system6.4\nAdvantage2_system1, x", max_estimate_ns="500 ms", max_open_problems="9")

    rules = TokenRules.objects.get()
    assert rules.solvers == ["Advantage_system6.4", "Advantage2_system1", "x"]
    assert (rules.max_estimate_ns, rules.max_open_problems) == (500_000_000, 9)
    assert answer.redirect_chain == [(RULES, 302)]
    assert 'value="500 ms"' in answer.content.decode()


def test_what_is_left_empty_is_not_limited(save):
    save(max_estimate_ns="1 s")
    save()

    rules = TokenRules.objects.get()
    assert (rules.solvers, rules.max_estimate_ns, rules.max_open_problems) == ([], None, None)


@pytest.mark.parametrize(
    ("field", "typed", "words"),
    [
        ("solvers", "a/b", "letters, digits and"),
        ("max_estimate_ns", "5", "5 of what?"),
        ("max_estimate_ns", "0 s", "Choose 1 ns to"),
        ("max_open_problems", "0", "greater than or equal to 1"),
        ("max_open_problems", "1001", "less than or equal to 1000"),
    ],
)
def test_mistakes_stand_next_to_the_field(save, field, typed, words):
    answer = save(**{field: typed})

    assert words in answer.context["form"].errors[field][0]
    assert typed in answer.content.decode()
    assert not TokenRules.objects.exists()


def test_who_uses_the_token_reads_them_in_words(save, browser, bob):
    save(solvers="Advantage_system6.4", max_estimate_ns="500 ms", max_open_problems="9")

    page = browser(bob).get("/o/acme/tokens/group/lab").content.decode()

    assert "Advantage_system6.4" in page
    assert ">500 ms</data>" in page
    assert "9 open problems of one member" in page


def test_other_providers_tokens_have_none(browser, alice):
    upload_token(scope="group", provider="ibm", name="lab", secret=SECRET, by=alice)

    assert browser(alice).get(RULES).status_code == 404
