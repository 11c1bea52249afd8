from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Column, Layout, Row
from django import forms
from django.utils.translation import gettext_lazy as _

from assistant.commands import limits
from assistant.commands.operations import Script
from assistant.commands.rules.content import with_interpreter
from assistant.commands.states import CommandType

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

    template_name = "invocations/_editor.html"

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        return {**super().get_context(name, value, attrs), "limit": limits.CONTENT_CHARACTERS}


class RunForm(forms.Form):
    language = forms.ChoiceField(
        label=_("Command type"),
        choices=[(word, label) for word, (label, _type) in LANGUAGES.items()],
        initial="shell",
        widget=forms.RadioSelect(attrs={"data-segmented": ""}),
    )
    content = forms.CharField(
        label=_("Command"),
        strip=False,
        widget=Editor(),
    )
    name = forms.CharField(
        label=_("Name"),
        max_length=limits.NAME_CHARACTERS,
        required=False,
        help_text=_("What the results list calls it."),
    )
    username = forms.CharField(
        label=_("Run as"),
        max_length=limits.USERNAME_CHARACTERS,
        required=False,
        help_text=_("Empty: the agent's own account, usually root."),
    )
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

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.layout = Layout(
            "language",
            "content",
            Row(Column("username"), Column("timeout")),
            Row(Column("working_dir"), Column("name")),
        )

    def script(self) -> Script:
        """What was typed, for `run_command`."""
        language = self.cleaned_data["language"]
        content = self.cleaned_data["content"].replace("\r\n", "\n")
        _label, kind = LANGUAGES[language]
        return Script(
            content=with_interpreter(content, language),
            type=kind,
            name=self.cleaned_data["name"],
            working_dir=self.cleaned_data["working_dir"],
            timeout=self.cleaned_data["timeout"],
        )
