from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from access.models import Quota
from access.rules.quotas import ALL, BY_NAME


class QuotaForm(forms.Form):
    value = forms.IntegerField(label=_("Limit"), min_value=0)
    everywhere = forms.BooleanField(label=_("For every region that has no value of its own"), required=False)


class QuotaValueForm(forms.ModelForm):
    """A value in the administration site."""

    name = forms.ChoiceField(label=_("Quota"), choices=[(rule.name, rule.label) for rule in ALL])

    class Meta:
        model = Quota
        fields = ("name", "region_id", "value")
        help_texts = {"region_id": _("Empty: every region that has no value of its own.")}

    def clean(self) -> dict[str, Any]:
        words = super().clean() or self.cleaned_data
        rule = BY_NAME.get(words.get("name", self.instance.name))
        if rule is not None and words.get("value", 0) > rule.most:
            self.add_error("value", _("Say at most %(most)d.") % {"most": rule.most})
        return words
