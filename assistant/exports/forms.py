from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from assistant.exports.states import Format


class ExportForm(forms.Form):
    # Not `form`: in a browser that would hide the property of this name that every field has.
    format = forms.ChoiceField(
        label=_("Format"), choices=Format.choices, initial=Format.CSV, widget=forms.RadioSelect
    )
    history = forms.BooleanField(
        label=_("All runs of the plan"),
        required=False,
        help_text=_("Otherwise the last run of each instance."),
    )

    def __init__(self, *args: Any, recurs: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not recurs:
            del self.fields["history"]
