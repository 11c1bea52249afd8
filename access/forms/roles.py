from datetime import timedelta

from django import forms
from django.utils.translation import gettext_lazy as _

from access import limits

MINUTE = timedelta(minutes=1)


class RoleFieldsForm(forms.Form):
    """What can be changed of a role at any time."""

    description = forms.CharField(
        label=_("Description"), max_length=limits.DESCRIPTION_CHARACTERS, required=False
    )
    max_session = forms.IntegerField(
        label=_("Longest session, in minutes"),
        min_value=limits.ROLE_SESSION_LEAST // MINUTE,
        max_value=limits.ROLE_SESSION_MOST // MINUTE,
        initial=limits.ROLE_SESSION_DEFAULT // MINUTE,
        help_text=_("15 minutes to 12 hours. Whoever takes on the role gives it back by then."),
    )

    def clean_max_session(self) -> timedelta:
        return timedelta(minutes=self.cleaned_data["max_session"])


class RoleForm(RoleFieldsForm):
    name = forms.CharField(
        label=_("Name"),
        max_length=limits.NAME_CHARACTERS,
        help_text=_("Letters, digits and . _ @ -"),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True, "spellcheck": "false"}),
    )

    field_order = ("name", "description", "max_session")
