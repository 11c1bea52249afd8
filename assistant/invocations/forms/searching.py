"""What is looked for in outputs."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django_filters.fields import IsoDateTimeField

from assistant.invocations.rules.searching import is_askable, terms_of
from console.kit.pagination import SEARCH_CHARACTERS


class WordsField(forms.CharField):
    """Words and "phrases" to look for in outputs, as the terms of the search."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": SEARCH_CHARACTERS, **kwargs})

    def clean(self, value: Any) -> list[str]:
        terms = terms_of(super().clean(value))
        if terms and not is_askable(terms):
            raise forms.ValidationError(_("Say a word of at least two characters."))
        return terms


class SearchForm(forms.Form):
    """What is looked for in the results of all runs."""

    says = WordsField(label=_("Words in the output"))
    command = forms.CharField(max_length=SEARCH_CHARACTERS, required=False, label=_("Command, id or name"))
    begin = IsoDateTimeField(required=False, label=_("From (UTC)"))
    end = IsoDateTimeField(required=False, label=_("Until (UTC)"))
    # Where the page before has ended.
    before = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
