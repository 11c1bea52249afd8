import base64
from collections.abc import Iterable, Mapping
from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import HTML, Column, Layout, Row
from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from assistant.commands import limits
from assistant.commands.models import Command
from assistant.commands.operations.scripts import Script
from assistant.commands.rules.archives import unpacked
from assistant.commands.rules.bundles import Entry, read
from assistant.commands.rules.catalogue import CATEGORIES, SYSTEMS, CommonCommand
from assistant.commands.rules.content import language_of, with_interpreter
from assistant.commands.rules.parameters import Definition, field_of, keys_in
from assistant.commands.states import CommandType
from assistant.instances.models import Region
from console.kit.errors import InvalidParameter

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

    enable_parameter = forms.BooleanField(
        label=_("Use parameters"),
        required=False,
        help_text=_(
            "{{name}} in the command is filled in for each run; {{ACS::InstanceId}} and the like by the console."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        said = self.data if self.is_bound else self.initial
        self.uses_parameters = bool(said.get("enable_parameter"))
        # The parameters in what is typed, or why they cannot be told.
        self.keys, self.fault = keys_typed(said.get("content", ""))

    def definitions(self) -> tuple[Definition, ...]:
        """What is said of the parameters."""
        return ()

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
            enable_parameter=self.cleaned_data["enable_parameter"],
            definitions=self.definitions() if self.cleaned_data["enable_parameter"] else (),
        )


def keys_typed(content: str) -> tuple[list[str], str]:
    try:
        return keys_in(content), ""
    except InvalidParameter as error:
        return [], error.message


def parameters_place(address: str, fragment: str) -> HTML:
    """A place in a form's layout whose fragment comes anew while the command is typed."""
    return HTML(
        f'{{% url "{address}" as address %}}'
        f'{{% include "commands/_parameters_place.html" with fragment="{fragment}" %}}'
    )


class DefinitionForm(forms.Form):
    """What is said of one parameter."""

    description = forms.CharField(
        label=_("Description"), max_length=limits.PARAMETER_DESCRIPTION_CHARACTERS, required=False
    )
    default = forms.CharField(label=_("Default"), required=False, strip=False)
    possible_values = forms.CharField(label=_("Allowed values"), required=False)
    required = forms.BooleanField(label=_("Required"), required=False)
    secret = forms.BooleanField(label=_("Secret"), required=False)

    def __init__(self, key: str, said: Mapping[str, Any], *, is_bound: bool) -> None:
        prefix = f"definition-{key.lower()}"
        initial = {name: said.get(f"{prefix}-{name}") for name in self.base_fields}
        super().__init__(said if is_bound else None, prefix=prefix, initial=initial)
        self.key = key

    def definition(self) -> Definition:
        said = self.cleaned_data
        values = (value.strip() for value in said["possible_values"].split(","))
        return Definition(
            name=self.key,
            description=said["description"],
            required=said["required"],
            default=said["default"] or None,
            possible_values=tuple(value for value in values if value),
            secret=said["secret"],
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
        said = self.data if self.is_bound else self.initial
        self.definition_forms = [DefinitionForm(key, said, is_bound=self.is_bound) for key in self.keys]
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
            "enable_parameter",
            parameters_place("commands:command_definitions", "commands/_definitions.html"),
            Row(Column("timeout"), Column("working_dir")),
            "description",
            "region",
        )

    def is_valid(self) -> bool:
        forms_of_it = self.definition_forms if self.uses_parameters else []
        return all([super().is_valid(), *(form.is_valid() for form in forms_of_it)])

    def definitions(self) -> tuple[Definition, ...]:
        return tuple(form.definition() for form in self.definition_forms)


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
        "enable_parameter": command.enable_parameter,
        **{
            f"definition-{definition.key}-{name}": value
            for definition in command.definitions
            for name, value in initial_of_definition(definition).items()
        },
    }


def initial_of_common(common: CommonCommand) -> dict[str, Any]:
    """A form that begins as a common command does."""
    return initial_of(
        Command(
            name=common.title,
            description=common.description,
            type=common.type,
            content=common.content,
            timeout=common.timeout,
            enable_parameter=bool(common.parameters),
            parameter_definitions=[definition.document() for definition in common.parameters],
        )
    )


def initial_of_definition(definition: Definition) -> dict[str, Any]:
    return {
        "description": definition.description,
        "default": definition.default,
        "possible_values": ", ".join(definition.possible_values),
        "required": definition.required,
        "secret": definition.secret,
    }


# --- Values of one run ---


def add_value_fields(form: forms.Form, definitions: Iterable[Definition]) -> None:
    """A field for each parameter's value, named as operations name it in their refusals."""
    for definition in definitions:
        field = value_field(definition)
        name = {"name": definition.name}
        field.label = _("%(name)s (required)") % name if definition.required else definition.name
        field.help_text = definition.description
        form.fields[field_of(definition.name)] = field


def value_field(definition: Definition) -> forms.Field:
    if definition.secret:
        attrs = {
            "autocomplete": "off",
            # Never sent back by us, so the one that is typed in stays while what is around it comes anew.
            "hx-preserve": "true",
            "id": f"id_{field_of(definition.name)}-secret",
        }
        widget = forms.PasswordInput(attrs=attrs)
        return forms.CharField(required=definition.required, strip=False, widget=widget)
    if definition.possible_values:
        nothing = [] if definition.required and definition.default else [("", "–")]
        choices = [*nothing, *((value, value) for value in definition.possible_values)]
        return forms.ChoiceField(
            required=definition.required, choices=choices, initial=definition.default or ""
        )
    return forms.CharField(required=definition.required, strip=False, initial=definition.default or "")


def values_in(form: forms.Form, definitions: Iterable[Definition]) -> dict[str, str]:
    """The values that were typed, for an operation."""
    return {definition.name: form.cleaned_data[field_of(definition.name)] for definition in definitions}


class RenameForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=limits.NAME_CHARACTERS)
    description = forms.CharField(
        label=_("Description"), max_length=limits.DESCRIPTION_CHARACTERS, required=False
    )
    timeout = forms.IntegerField(
        label=_("Timeout in seconds"),
        min_value=1,
        max_value=limits.TIMEOUT_MOST,
        required=False,
        help_text=_("For runs to come; those that go on keep theirs."),
    )


class ImportForm(forms.Form):
    """A file of commands: chosen, or the one that was just looked at, carried along unchanged."""

    file = forms.FileField(
        label=_("File"),
        required=False,
        widget=forms.FileInput(attrs={"accept": ".zip,application/zip"}),
        help_text=_("A ZIP with commands.json and the scripts, as an export makes it."),
    )
    packed = forms.CharField(required=False, widget=forms.HiddenInput())
    region = forms.ModelChoiceField(Region.objects.none(), label=_("Region"), empty_label=None)
    with_doubled = forms.BooleanField(required=False)

    def __init__(self, *args: Any, regions: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.entries: list[Entry] = []
        self.content = b""
        field = self.fields["region"]
        field.queryset = regions  # type: ignore[attr-defined]
        if len(regions) == 1:
            field.widget = forms.HiddenInput()
            field.initial = regions[0].pk

    @property
    def carried(self) -> str:
        """The file as the next form carries it along."""
        return base64.b64encode(self.content).decode()

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or {}
        try:
            self.content = content_of(said.get("file"), said.get("packed", ""))
            self.entries = read(unpacked(self.content))
        except InvalidParameter as error:
            self.add_error("file", error.message)
        return said


def content_of(file: UploadedFile | None, packed: str) -> bytes:
    if file is not None:
        # One byte more than is taken says that it is too large.
        return bytes(file.read(limits.BUNDLE_BYTES + 1))
    if not packed:
        raise InvalidParameter(gettext("Choose a file."))
    try:
        return base64.b64decode(packed, validate=True)
    except ValueError as error:
        raise InvalidParameter(gettext("Choose the file once more.")) from error


class CommonFilterForm(forms.Form):
    """Which common commands to show. What makes no sense filters nothing."""

    q = forms.CharField(label=_("Words"), required=False)
    category = forms.ChoiceField(
        label=_("Category"), choices=[("", _("Any category")), *CATEGORIES.items()], required=False
    )
    system = forms.ChoiceField(
        label=_("System"), choices=[("", _("Any system")), *SYSTEMS.items()], required=False
    )

    def said(self) -> dict[str, str]:
        self.is_valid()
        words = {"text": "q", "category": "category", "system": "system"}
        return {keyword: self.cleaned_data.get(name, "") for keyword, name in words.items()}
