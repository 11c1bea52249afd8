from typing import Any

from django import forms
from django.contrib.auth.models import Group
from django.utils.translation import gettext_lazy as _

from access import limits
from access.models import User
from access.operations.groups import visible_groups
from access.principals import Principal


class GroupForm(forms.Form):
    name = forms.CharField(
        label=_("Name"),
        max_length=limits.NAME_CHARACTERS,
        help_text=_("Letters, digits and . _ @ -"),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True, "spellcheck": "false"}),
    )


class MembersForm(forms.Form):
    """Users to put into a group, chosen by their names among those that may be seen."""

    users = forms.ModelMultipleChoiceField(
        User.objects.none(),
        to_field_name="username",
        error_messages={"required": _("Choose at least one user.")},
    )

    def __init__(self, *args: Any, principal: Principal, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["users"].queryset = User.objects.visible_to(principal)  # type: ignore[attr-defined]


class JoinForm(forms.Form):
    """Groups to put a user into, chosen by their names among those that may be seen."""

    groups = forms.ModelMultipleChoiceField(
        Group.objects.none(),
        to_field_name="name",
        error_messages={"required": _("Choose at least one group.")},
    )

    def __init__(self, *args: Any, principal: Principal, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["groups"].queryset = visible_groups(principal)  # type: ignore[attr-defined]
