from typing import Any, NamedTuple

from django import forms
from django.contrib.auth.models import Group
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from access import limits
from access.models import Policy, User
from access.operations.groups import visible_groups
from access.principals import Principal

# The system policies that a new user is offered, from little to much, with a name in plain words.
OFFERED = {
    "AliyunECSAssistantReadonlyAccess": _("Read only"),
    "ReadOnlyAccess": _("Read only, with users and the audit trail"),
    "AliyunActionTrailReadOnlyAccess": _("Audit trail only"),
    "AliyunECSAssistantFullAccess": _("Run commands and manage servers"),
    "AliyunECSFullAccess": _("Everything about servers"),
    "AliyunRAMFullAccess": _("Manage users and permissions"),
    "AdministratorAccess": _("Full access"),
}


class Offer(NamedTuple):
    """A policy to tick."""

    policy: Policy
    title: Any
    is_ticked: bool


GENERATED, TYPED, NONE = "generated", "typed", "none"


class UserFieldsForm(forms.Form):
    """What can be changed of a user at any time."""

    display_name = forms.CharField(
        label=_("Display name"), max_length=limits.POLICY_NAME_CHARACTERS, required=False
    )
    email = forms.EmailField(label=_("E-mail"), required=False)
    console_access = forms.BooleanField(label=_("May sign in to the console"), required=False, initial=True)
    api_access = forms.BooleanField(
        label=_("May use the API"),
        required=False,
        help_text=_("With access keys, which are made on the user's page."),
    )
    must_use_second_factor = forms.BooleanField(label=_("Must use a second factor"), required=False)
    is_administrator = forms.BooleanField(
        label=_("Administrator"),
        required=False,
        help_text=_(
            "May do everything; no policy restricts an administrator. Who becomes one is signed out everywhere "
            "and changes the password at the next sign-in; their access keys are disabled."
        ),
    )

    def __init__(self, *args: Any, principal: Principal, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not principal.is_administrator:
            del self.fields["is_administrator"]


class UserForm(UserFieldsForm):
    is_administrator = forms.BooleanField(
        label=_("Administrator"),
        required=False,
        help_text=_("May do everything; no policy restricts an administrator."),
    )
    name = forms.CharField(
        label=_("Name"),
        max_length=limits.NAME_CHARACTERS,
        help_text=_("To sign in with: letters, digits and . _ @ -"),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True, "spellcheck": "false"}),
    )
    password_choice = forms.ChoiceField(
        label=_("Password"),
        choices=[(GENERATED, _("Make one")), (TYPED, _("Type one")), (NONE, _("None"))],
        initial=GENERATED,
        required=False,
        widget=forms.RadioSelect,
    )
    password = forms.CharField(
        label=_("The password, where you type one"),
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    must_change_password = forms.BooleanField(
        label=_("Must change the password when signing in first"), required=False, initial=True
    )
    groups = forms.ModelMultipleChoiceField(
        Group.objects.none(), label=_("Groups"), required=False, widget=forms.CheckboxSelectMultiple
    )
    policies = forms.ModelMultipleChoiceField(Policy.objects.none(), required=False, to_field_name="name")

    def __init__(self, *args: Any, principal: Principal, **kwargs: Any) -> None:
        super().__init__(*args, principal=principal, **kwargs)
        self.fields["groups"].queryset = visible_groups(principal)  # type: ignore[attr-defined]
        self.fields["policies"].queryset = Policy.objects.visible_to(principal)  # type: ignore[attr-defined]

    @cached_property
    def offers(self) -> list[Offer]:
        """The system policies to tick, in the order of `OFFERED`."""
        ticked = set(self.data.getlist("policies")) if self.is_bound else set()  # type: ignore[attr-defined]
        policies = self.fields["policies"].queryset.in_bulk(OFFERED, field_name="name")  # type: ignore[attr-defined]
        return [
            Offer(policies[name], title, name in ticked)
            for name, title in OFFERED.items()
            if name in policies
        ]

    def clean(self) -> dict[str, Any]:
        """As keywords of `create_user`; without console access there is no password to give."""
        words = {**self.cleaned_data}
        choice = words.pop("password_choice", "")
        if not words.get("console_access"):
            choice = NONE
        if choice == TYPED and not words.get("password"):
            self.add_error("password", _("Type the password, or have one made."))
        words["generate_password"] = choice == GENERATED
        if choice != TYPED:
            words["password"] = ""
        if choice == NONE:
            words["must_change_password"] = False
        return words


class PasswordResetForm(forms.Form):
    password = forms.CharField(
        label=_("New password"),
        required=False,
        strip=False,
        help_text=_("Empty: one is made and shown once."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    must_change_password = forms.BooleanField(
        label=_("Must change the password at the next sign-in"), required=False, initial=True
    )


def fields_of(user: User) -> dict[str, Any]:
    """What a user is, as a form's first words."""
    return {
        "display_name": user.display_name,
        "email": user.email,
        "console_access": user.console_access,
        "api_access": user.api_access,
        "must_use_second_factor": user.must_use_second_factor,
        "is_administrator": user.is_superuser,
    }


class PoliciesForm(forms.Form):
    """Policies to attach, chosen by their names among those that may be seen."""

    policies = forms.ModelMultipleChoiceField(
        Policy.objects.none(),
        to_field_name="name",
        error_messages={"required": _("Choose at least one policy.")},
    )

    def __init__(self, *args: Any, principal: Principal, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["policies"].queryset = Policy.objects.visible_to(principal)  # type: ignore[attr-defined]
