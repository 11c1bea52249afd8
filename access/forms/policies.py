from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from access import limits


class DocumentEditor(forms.Textarea):
    """A text area that a script turns into an editor for JSON."""

    template_name = "access/_policy_editor.html"


class PolicyForm(forms.Form):
    """A policy as one types it. A policy that is there keeps its name."""

    name = forms.CharField(
        label=_("Name"),
        max_length=limits.POLICY_NAME_CHARACTERS,
        help_text=_("Letters, digits and . _ - It cannot be changed later."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True, "spellcheck": "false"}),
    )
    description = forms.CharField(
        label=_("Description"), max_length=limits.DESCRIPTION_CHARACTERS, required=False
    )
    document = forms.CharField(label=_("Document"), strip=False, widget=DocumentEditor())

    def __init__(self, *args: Any, is_new: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not is_new:
            del self.fields["name"]


class AttachForm(forms.Form):
    """Where a policy is to count: a user, a group or a role, by name."""

    kind = forms.ChoiceField(
        label=_("Attach to"),
        choices=[("user", _("User")), ("group", _("Group")), ("role", _("Role"))],
        initial="user",
        widget=forms.RadioSelect(attrs={"data-segmented": ""}),
    )
    name = forms.CharField(
        label=_("Name"),
        widget=forms.TextInput(attrs={"autocomplete": "off", "list": "holders", "spellcheck": "false"}),
    )
