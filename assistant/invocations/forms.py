from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Column, Layout, Row
from django import forms
from django.utils.translation import gettext_lazy as _

from assistant.commands.forms import ScriptForm, add_value_fields, parameters_place
from assistant.commands.limits import USERNAME_CHARACTERS
from assistant.commands.rules.parameters import Definition, field_of


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
        said = self.data if self.is_bound else self.initial
        self.parameters = [
            Definition(key, secret=bool(said.get(f"secret-{key.lower()}")))
            for key in (self.keys if self.uses_parameters else [])
        ]
        add_value_fields(self, self.parameters)
        self.fields["name"].help_text = _("What the results list calls it.")
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.layout = Layout(
            "language",
            "content",
            "enable_parameter",
            parameters_place("invocations:run_parameters", "invocations/_parameters.html"),
            Row(Column("username"), Column("timeout")),
            Row(Column("working_dir"), Column("name")),
            "keep",
        )

    @property
    def values(self) -> list[tuple[forms.BoundField, Definition]]:
        """The parameters' fields, each with its definition."""
        return [(self[field_of(definition.name)], definition) for definition in self.parameters]

    def definitions(self) -> tuple[Definition, ...]:
        return tuple(definition for definition in self.parameters if definition.secret)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("keep") and not cleaned.get("name"):
            self.add_error("name", _("A saved command needs a name."))
        return cleaned


class InvokeForm(forms.Form):
    """A saved command is run as it was saved: only whom it runs as is asked, and values of its parameters."""

    username = RunForm.base_fields["username"]

    def __init__(self, *args: Any, parameters: list[Definition], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.parameters = parameters
        add_value_fields(self, parameters)
        self.order_fields([field_of(definition.name) for definition in parameters])
