from django import forms
from django.utils.translation import gettext_lazy as _

from assistant.exports.states import Format


class ExportForm(forms.Form):
    # Not `form`: in a browser that would hide the property of this name that every field has.
    format = forms.ChoiceField(
        label=_("Format"), choices=Format.choices, initial=Format.CSV, widget=forms.RadioSelect
    )
