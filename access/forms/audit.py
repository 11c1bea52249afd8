from datetime import UTC, datetime
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from access.filters.audit import AuditSearch
from access.models import AuditEntry
from access.principals import Door
from access.rules.exports import FORMATS

LABELS = {"jsonl": _("JSON lines"), "csv": _("CSV, for spreadsheets")}


class Moment(forms.DateTimeField):
    """A moment in UTC. One at the edge of the calendar is none in another zone."""

    def to_python(self, value: Any) -> datetime | None:
        try:
            moment = super().to_python(value)
            return moment.astimezone(UTC) if moment else None
        except OverflowError as error:
            raise forms.ValidationError(self.error_messages["invalid"]) from error


class AuditForm(forms.Form):
    """The filters of the audit trail, in the address of its page."""

    q = forms.CharField(label=_("Any word"), required=False, max_length=200)
    principal = forms.CharField(label=_("Who"), required=False, max_length=150)
    action = forms.CharField(label=_("Action"), required=False, max_length=64)
    resource = forms.CharField(label=_("Resource"), required=False, max_length=200)
    outcome = forms.ChoiceField(
        label=_("Outcome"), required=False, choices=[("", _("Any outcome")), *AuditEntry.Outcome.choices]
    )
    door = forms.ChoiceField(
        label=_("Door"),
        required=False,
        choices=[("", _("Any door")), *((door.value, door.value) for door in Door)],
    )
    begin = Moment(label=_("From (UTC)"), required=False)
    end = Moment(label=_("Until (UTC)"), required=False)

    def clean(self) -> dict[str, Any]:
        words = super().clean() or self.cleaned_data
        begin, end = words.get("begin"), words.get("end")
        if begin and end and begin >= end:
            self.add_error("end", _("Say a time after the beginning."))
        return words

    @property
    def search(self) -> AuditSearch:
        words = {name: value for name, value in self.cleaned_data.items() if value}
        return AuditSearch(text=words.pop("q", ""), **words)


class ExportForm(forms.Form):
    """How the entries that match are written into a file, and from where on."""

    form = forms.ChoiceField(
        label=_("Format"),
        choices=[(form, LABELS[form]) for form in FORMATS],
        initial="jsonl",
        widget=forms.RadioSelect,
    )
    after = forms.IntegerField(
        label=_("Begin after entry"),
        required=False,
        min_value=0,
        help_text=_(
            "For the next part of a long trail: the number that the last line of the one before says."
        ),
    )
