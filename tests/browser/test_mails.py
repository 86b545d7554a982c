"""Mails, as a program shows them that shows HTML: readable for all, light and dark, in a narrow window too."""

import pytest

from tests.accounts.test_mails import written

from .conftest import assert_accessible

SHAPES = ["emails/invitation", "emails/closed", "account/email/unknown_account", "mfa/email/webauthn_added"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("prefix", SHAPES)
def test_it_is_readable_for_all(page, prefix, scheme):
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": 320, "height": 640})
    page.set_content(written(prefix, "de")[1])

    assert_accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert (
        page.evaluate("getComputedStyle(document.body).backgroundColor")
        == {
            "light": "rgb(246, 246, 250)",
            "dark": "rgb(14, 16, 23)",
        }[scheme]
    )
