from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from access.operations.decisions import EVERYTHING


class SimulatorForm(forms.Form):
    """A question: may somebody do something? It comes with the address, so that the answer can be sent on."""

    user = forms.CharField(required=False)
    role = forms.CharField(required=False)
    action = forms.CharField()
    resource = forms.CharField(required=False, widget=forms.Textarea)
    context = forms.CharField(required=False, widget=forms.Textarea)

    def clean(self) -> dict[str, Any]:
        if self.cleaned_data.get("user") and self.cleaned_data.get("role"):
            self.add_error("role", gettext_lazy("Name a user or a role, not both."))
        return self.cleaned_data

    def clean_resource(self) -> list[str]:
        return lines(self.cleaned_data["resource"]) or [EVERYTHING]

    def clean_context(self) -> dict[str, str]:
        context = {}
        for line in lines(self.cleaned_data["context"]):
            key, equals, value = line.partition("=")
            if not equals or not key.strip():
                message = _("Say key=value on each line, as in acs:SourceIp=192.0.2.1, not %(line)s.")
                raise forms.ValidationError(message % {"line": line[:64]})
            context[key.strip()] = value.strip()
        return context


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]
