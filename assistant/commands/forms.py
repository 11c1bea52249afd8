from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Column, Layout, Row
from django import forms
from django.utils.translation import gettext_lazy as _

from assistant.commands import limits
from assistant.commands.models import Command
from assistant.commands.operations.scripts import Script
from assistant.commands.rules.content import language_of, with_interpreter
from assistant.commands.states import CommandType
from assistant.instances.models import Region

# The types as people know them → the API's type. Python and Perl are shell commands with an interpreter line.
LANGUAGES = {
    "shell": (_("Shell"), CommandType.SHELL),
    "python": ("Python", CommandType.SHELL),
    "perl": ("Perl", CommandType.SHELL),
    "bat": ("Bat", CommandType.BAT),
    "powershell": ("PowerShell", CommandType.POWERSHELL),
}


class Editor(forms.Textarea):
    """A text area that a script turns into an editor with line numbers and colours."""

    template_name = "commands/_editor.html"

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        return {**super().get_context(name, value, attrs), "limit": limits.CONTENT_CHARACTERS}


class ScriptForm(forms.Form):
    """A script with its settings, to be saved or to be run."""

    language = forms.ChoiceField(
        label=_("Command type"),
        choices=[(word, label) for word, (label, _type) in LANGUAGES.items()],
        initial="shell",
        widget=forms.RadioSelect(attrs={"data-segmented": ""}),
    )
    content = forms.CharField(label=_("Command"), strip=False, widget=Editor())
    name = forms.CharField(label=_("Name"), max_length=limits.NAME_CHARACTERS, required=False)
    timeout = forms.IntegerField(
        label=_("Timeout in seconds"),
        min_value=1,
        max_value=limits.TIMEOUT_MOST,
        initial=limits.TIMEOUT_DEFAULT,
    )
    working_dir = forms.CharField(
        label=_("Directory"),
        max_length=limits.WORKING_DIR_CHARACTERS,
        required=False,
        help_text=_("Empty: the account's home."),
    )

    def script(self) -> Script:
        """What was typed, for an operation."""
        language = self.cleaned_data["language"]
        content = self.cleaned_data["content"].replace("\r\n", "\n")
        _label, kind = LANGUAGES[language]
        return Script(
            content=with_interpreter(content, language),
            type=kind,
            name=self.cleaned_data["name"],
            description=self.cleaned_data.get("description", ""),
            working_dir=self.cleaned_data["working_dir"],
            timeout=self.cleaned_data["timeout"],
        )


class CommandForm(ScriptForm):
    region = forms.ModelChoiceField(Region.objects.none(), label=_("Region"), empty_label=None)
    description = forms.CharField(
        label=_("Description"),
        max_length=limits.DESCRIPTION_CHARACTERS,
        required=False,
        help_text=_("What it is for."),
    )

    def __init__(self, *args: Any, regions: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["region"]
        field.queryset = regions  # type: ignore[attr-defined]
        self.fields["name"].required = True
        if len(regions) == 1:
            field.widget = forms.HiddenInput()
            field.initial = regions[0].pk
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.layout = Layout(
            "name",
            "language",
            "content",
            Row(Column("timeout"), Column("working_dir")),
            "description",
            "region",
        )


def initial_of(command: Command) -> dict[str, Any]:
    """A form that begins as a command does, to make another of it."""
    return {
        "language": language_of(command.content, CommandType(command.type)),
        "content": command.content,
        "name": command.name,
        "description": command.description,
        "timeout": command.timeout,
        "working_dir": command.working_dir,
        "region": command.region_id,
    }


class RenameForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=limits.NAME_CHARACTERS)
    description = forms.CharField(
        label=_("Description"), max_length=limits.DESCRIPTION_CHARACTERS, required=False
    )
