"""What people type on the pages of tokens. The names of fields are those that tokens.services complains about."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from organizations.models import Membership

from .models import PERMISSION_TO_MANAGE, Provider, QpuToken, TokenScope
from .names import MAX_LENGTH

ENDPOINT_HELP = _("Only if D-Wave gave you another region or address. Empty is the portal's default.")


def secret_field() -> forms.CharField:
    """A secret is typed or pasted, and never shown again, not even beside an error."""
    return forms.CharField(
        label=_("Secret token"),
        help_text=_("Paste it from the provider. It is encrypted, and nobody can read it again."),
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )


def name_field() -> forms.CharField:
    return forms.CharField(
        max_length=4 * MAX_LENGTH,  # tokens.names counts after it has composed the letters
        strip=False,
        label=_("Name"),
        help_text=_("What programs call it, such as “lab”. Without / ? # % and \\."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )


def endpoint_field() -> forms.CharField:
    return forms.CharField(
        required=False,
        label=_("Endpoint"),
        help_text=ENDPOINT_HELP,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "inputmode": "url"}),
    )


class UploadForm(forms.Form):
    """A new token. Who may upload personal ones only is not asked for whom it is."""

    SCOPES = [
        (TokenScope.GROUP, _("Everybody in the organization, with quotas that you set")),
        (TokenScope.PERSONAL, _("Me alone")),
    ]

    scope = forms.ChoiceField(
        choices=SCOPES, initial=TokenScope.GROUP, widget=forms.RadioSelect, label=_("Who uses it")
    )
    provider = forms.ChoiceField(choices=Provider.choices, label=_("Provider"))
    name = name_field()
    token = secret_field()
    endpoint = endpoint_field()

    def __init__(self, data: Mapping[str, Any] | None = None, *, membership: Membership) -> None:
        super().__init__(data)
        may_share = membership.can(PERMISSION_TO_MANAGE[TokenScope.GROUP])
        if not (may_share and membership.organization.allows_group_tokens):
            del self.fields["scope"]

    def as_asked(self) -> dict[str, Any]:
        """What services.upload_token takes."""
        data = dict(self.cleaned_data)
        return {"scope": TokenScope.PERSONAL, "secret": data.pop("token"), **data}


class TokenForm(forms.Form):
    """What can be changed of a token beside its secret."""

    name = name_field()
    endpoint = endpoint_field()

    def __init__(self, data: Mapping[str, Any] | None = None, *, token: QpuToken) -> None:
        super().__init__(data, initial={"name": token.name, "endpoint": token.endpoint})
        if token.provider != Provider.DWAVE:
            del self.fields["endpoint"]


class ReplaceSecretForm(forms.Form):
    token = secret_field()


class TokenFilter(forms.Form):
    """Which tokens a list shows; what cannot be understood is left out."""

    search = forms.CharField(required=False, label=_("Search by name"))
