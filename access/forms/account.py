from typing import Any, cast

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from access import limits
from access.models import Role

MINUTES = [15, 30, 60, 2 * 60, 4 * 60, 8 * 60, 12 * 60]


def password_input(autocomplete: str, **attributes: Any) -> forms.PasswordInput:
    return forms.PasswordInput(attrs={"autocomplete": autocomplete, **attributes})


class NumberForm(forms.Form):
    number = forms.CharField(
        label=_("Number or recovery code"),
        max_length=40,
        help_text=_("What your authenticator app shows now, or one of your recovery codes."),
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "autofocus": True, "spellcheck": "false"}
        ),
    )


class ConfirmForm(forms.Form):
    number = forms.CharField(
        label=_("The number that the app shows"),
        max_length=10,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )


class ProofForm(forms.Form):
    proof = forms.CharField(
        label=_("Current number, or your password"),
        strip=False,
        max_length=limits.PASSWORD_CHARACTERS,
        widget=password_input("current-password", autofocus=True),
    )


class PasswordForm(forms.Form):
    old_password = forms.CharField(
        label=_("Current password"), strip=False, widget=password_input("current-password", autofocus=True)
    )
    new_password1 = forms.CharField(
        label=_("New password"), strip=False, widget=password_input("new-password")
    )
    new_password2 = forms.CharField(
        label=_("New password, once more"), strip=False, widget=password_input("new-password")
    )

    def clean(self) -> dict[str, Any]:
        fields: dict[str, Any] = super().clean() or {}
        first, second = fields.get("new_password1"), fields.get("new_password2")
        if first and second and first != second:
            self.add_error("new_password2", _("This is not the same as above."))
        return fields


class AssumeRoleForm(forms.Form):
    duration = forms.TypedChoiceField(label=_("For"), coerce=int)

    def __init__(self, role: Role, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        most = role.max_session_seconds // 60
        offered = [*(minutes for minutes in MINUTES if minutes < most), most]
        duration = cast("forms.TypedChoiceField", self.fields["duration"])
        duration.choices = [(minutes, lasting(minutes)) for minutes in offered]
        duration.initial = min(most, MINUTES[2])


def lasting(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    if rest:
        return ngettext("%(n)d minute", "%(n)d minutes", minutes) % {"n": minutes}
    return ngettext("%(n)d hour", "%(n)d hours", hours) % {"n": hours}


class PasswordPolicyForm(forms.Form):
    least_characters = forms.IntegerField(
        label=_("Fewest characters"), min_value=limits.PASSWORD_LEAST, max_value=limits.PASSWORD_LEAST_MOST
    )
    needs_lower = forms.BooleanField(label=_("Needs a small letter"), required=False)
    needs_upper = forms.BooleanField(label=_("Needs a capital letter"), required=False)
    needs_digit = forms.BooleanField(label=_("Needs a digit"), required=False)
    needs_symbol = forms.BooleanField(
        label=_("Needs a sign that is neither letter nor digit"), required=False
    )
    max_age_days = forms.IntegerField(
        label=_("Valid for days"),
        min_value=0,
        max_value=limits.PASSWORD_DAYS_MOST,
        help_text=_("An older one has to be changed at the next sign-in. 0: it never grows too old."),
    )
    remembered = forms.IntegerField(
        label=_("Last passwords that may not come again"),
        min_value=0,
        max_value=limits.PASSWORDS_REMEMBERED_MOST,
        help_text=_("0: any may come again."),
    )
