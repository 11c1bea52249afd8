from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Column, Layout, Row
from django import forms
from django.utils.translation import gettext_lazy as _

from assistant.commands.forms import ScriptForm
from assistant.commands.limits import USERNAME_CHARACTERS


class RunForm(ScriptForm):
    username = forms.CharField(
        label=_("Run as"),
        max_length=USERNAME_CHARACTERS,
        required=False,
        help_text=_("Empty: the agent's own account, usually root."),
    )
    keep = forms.BooleanField(
        label=_("Save the command too"), required=False, help_text=_("It needs a name then.")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].help_text = _("What the results list calls it.")
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.layout = Layout(
            "language",
            "content",
            Row(Column("username"), Column("timeout")),
            Row(Column("working_dir"), Column("name")),
            "keep",
        )

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("keep") and not cleaned.get("name"):
            self.add_error("name", _("A saved command needs a name."))
        return cleaned


class InvokeForm(forms.Form):
    """A saved command is run as it was saved: only whom it runs as is asked."""

    username = RunForm.base_fields["username"]
