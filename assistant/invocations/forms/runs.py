"""What is run, and on which terms."""

from datetime import timedelta
from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Column, Layout, Row
from django import forms
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from assistant.commands.forms import LANGUAGES, ScriptForm, add_value_fields, parameters_place
from assistant.commands.limits import USERNAME_CHARACTERS
from assistant.commands.operations.scripts import Script
from assistant.commands.rules.content import language_of, with_interpreter
from assistant.commands.rules.parameters import Definition, field_of, secret_keys
from assistant.commands.states import CommandType
from assistant.invocations import limits
from assistant.invocations.errors import RolloutRefused
from assistant.invocations.models import Guard, Invocation
from assistant.invocations.rules.guard import patterns_of
from assistant.invocations.rules.restarts import RestartTerms
from assistant.invocations.rules.rollouts import RolloutTerms, share
from assistant.invocations.rules.terms import Terms
from console.kit.errors import ConsoleError


class RunForm(ScriptForm):
    username = forms.CharField(
        label=_("Run as"),
        max_length=USERNAME_CHARACTERS,
        required=False,
        help_text=_(
            "Empty: the agent's own account, usually root. Name an ordinary account where the command needs no more."
        ),
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


def initial_of_run(invocation: Invocation) -> dict[str, Any]:
    """A form that begins as an earlier run did. Secret values are typed anew."""
    command = invocation.command
    secret = secret_keys(command.definitions)
    values = {name: value for name, value in invocation.parameters.items() if name.lower() not in secret}
    return {
        "language": language_of(command.content, CommandType(command.type)),
        "content": command.content,
        "name": command.name,
        "timeout": invocation.timeout,
        "working_dir": invocation.working_dir,
        "username": invocation.username,
        "enable_parameter": command.enable_parameter,
        **{f"secret-{name}": "on" for name in secret},
        **{field_of(name): value for name, value in values.items()},
    }


# --- On which terms ---

OFFLINE_WAITS = {
    0: _("They are not waited for"),
    1: _("They have an hour to come back"),
    24: _("They have a day to come back"),
    24 * 7: _("They have a week to come back"),
    24 * limits.OFFLINE_WAIT_MOST.days: _("They have 30 days to come back"),
}


class TermsForm(forms.Form):
    """How a command goes out, and what becomes of servers that are offline."""

    at_a_time = forms.CharField(
        label=_("At a time"),
        max_length=8,
        required=False,
        help_text=_("A number of instances, or a part such as 10%. Empty: all at once."),
    )
    first_batch = forms.IntegerField(
        label=_("First only"),
        min_value=1,
        max_value=limits.FIRST_BATCH_MOST,
        required=False,
        help_text=_("So many, then it waits for your word."),
    )
    batch_wait = forms.IntegerField(
        label=_("Seconds between batches"),
        min_value=1,
        max_value=limits.BATCH_WAIT_MOST,
        required=False,
        help_text=_("Empty: the next one begins when one has ended."),
    )
    stop_after = forms.CharField(
        label=_("Stop after failures"),
        max_length=8,
        required=False,
        help_text=_("A number, or a part such as 5%. The rest does not begin."),
    )
    waits_until = forms.TypedChoiceField(
        label=_("Servers that are offline"),
        choices=[*OFFLINE_WAITS.items()],
        coerce=int,
        required=False,
    )
    restart = forms.ChoiceField(
        label=_("When it has ended"),
        choices=[
            ("", _("Nothing more")),
            ("succeeded", _("Restart the servers on which it succeeded")),
            ("all", _("Restart the servers, also where it failed")),
        ],
        required=False,
    )
    restart_at_a_time = forms.CharField(
        label=_("Restarts at a time"),
        max_length=8,
        required=False,
        help_text=_("A number, or a part such as 10%. Empty: one after the other."),
    )
    restart_force = forms.BooleanField(
        label=_("Force the restart"), required=False, help_text=_("Services are not asked to end first.")
    )
    # What the guard has asked about and was read.
    confirmed = forms.CharField(required=False, widget=forms.HiddenInput())

    STEPS = ("at_a_time", "first_batch", "batch_wait", "stop_after")

    @property
    def is_filled(self) -> bool:
        said = any(self[name].value() for name in (*self.STEPS, "restart"))
        return bool(self.errors or said or str(self["waits_until"].value() or 0) != "0")

    @property
    def terms(self) -> Terms:
        """What was said, for an operation."""
        terms: Terms = self.cleaned_data["terms"]
        return terms

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        if self.errors:
            return said
        hours = said.get("waits_until") or 0
        # A minute less: time passes until the operation looks at the limit.
        waits_until = timezone.now() + timedelta(hours=hours, minutes=-1) if hours else None
        try:
            said["terms"] = Terms(
                self.rollout_of(said), waits_until, said.get("confirmed", ""), restart_of(said)
            )
        except ConsoleError as error:
            self.add_error(error.field, error.message)
        return said

    def rollout_of(self, said: dict[str, Any]) -> RolloutTerms | None:
        if not any(said.get(name) for name in self.STEPS):
            return None
        if not said.get("at_a_time"):
            raise RolloutRefused(gettext("Say how many at a time."), field="at_a_time")
        stop_after = said.get("stop_after")
        return RolloutTerms(
            share(said["at_a_time"], field="at_a_time"),
            first_batch=said.get("first_batch") or 0,
            wait=said.get("batch_wait") or 0,
            stop_after=share(stop_after, field="stop_after") if stop_after else None,
        )


def restart_of(said: dict[str, Any]) -> RestartTerms | None:
    if not said.get("restart"):
        return None
    return RestartTerms(
        share(said.get("restart_at_a_time") or "1", field="restart_at_a_time"),
        only_succeeded=said["restart"] == "succeeded",
        force=said.get("restart_force", False),
    )


class GuardForm(forms.ModelForm):
    """When runs are asked about once more, in the administration site."""

    class Meta:
        model = Guard
        fields = ("percent", "least", "patterns", "asks_programs")
        help_texts = {
            "percent": _("Runs on more than this part of a region's instances are asked about: 0 to 100."),
            "patterns": _("One per line: what it does, a colon and a blank, the regular expression."),
            "asks_programs": _(
                "Their runs are then refused until they send Confirmation, which SDKs do not know."
            ),
        }

    def clean_percent(self) -> int:
        percent: int = self.cleaned_data["percent"]
        if percent > 100:
            raise forms.ValidationError(_("Say at most 100."))
        return percent

    def clean_patterns(self) -> str:
        text: str = self.cleaned_data["patterns"].replace("\r\n", "\n")
        if len(text) > limits.GUARD_TEXT_CHARACTERS:
            message = gettext("Say at most %(most)d characters.") % {"most": limits.GUARD_TEXT_CHARACTERS}
            raise forms.ValidationError(message)
        try:
            patterns_of(text)
        except ConsoleError as error:
            raise forms.ValidationError(error.message) from error
        return text


class SendForm(forms.Form):
    """The short form of an instance's page: what is asked is the command itself (CA-85)."""

    language = ScriptForm.base_fields["language"]
    content = ScriptForm.base_fields["content"]
    keep = forms.BooleanField(
        label=_("Save the command too"), required=False, help_text=_("It is named after the day.")
    )

    def __init__(self, *args: Any, os_type: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        system = "windows" if os_type == "windows" else "linux"
        choices = [(word, label) for word, (label, kind) in LANGUAGES.items() if kind.os_type == system]
        self.fields["language"].choices = choices  # type: ignore[attr-defined]
        self.fields["language"].initial = choices[0][0]

    def script(self) -> Script:
        language, content = self.cleaned_data["language"], self.cleaned_data["content"]
        _label, kind = LANGUAGES[language]
        text = with_interpreter(content.replace("\r\n", "\n"), language)
        return Script(content=text, type=kind)
