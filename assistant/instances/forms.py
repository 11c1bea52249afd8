import re
from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Column, Layout, Row
from django import forms
from django.utils.translation import gettext_lazy as _

from assistant.instances import limits
from assistant.instances.models import Region
from assistant.instances.querysets import RegionQuerySet


class ActivationForm(forms.Form):
    region = forms.ModelChoiceField(Region.objects.none(), label=_("Region"), empty_label=None)
    instance_name = forms.CharField(
        label=_("Instance name prefix"),
        max_length=limits.PREFIX_CHARACTERS,
        initial="server",
        help_text=_("Servers are called prefix-001, prefix-002 and so on, unless they bring a name."),
    )
    instance_count = forms.IntegerField(
        label=_("How many servers"),
        min_value=1,
        max_value=limits.QUOTA_MOST,
        initial=limits.QUOTA_DEFAULT,
    )
    time_to_live_in_hours = forms.IntegerField(
        label=_("Valid for hours"), min_value=1, max_value=limits.HOURS_MOST, initial=limits.HOURS_DEFAULT
    )
    ip_address_range = forms.CharField(
        label=_("Only from these addresses"),
        required=False,
        help_text=_("Addresses or CIDR blocks with commas between them. Empty: from everywhere."),
    )
    description = forms.CharField(
        label=_("Description"), max_length=limits.DESCRIPTION_CHARACTERS, required=False
    )

    def __init__(self, *args: Any, regions: RegionQuerySet, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["region"]
        field.queryset = regions  # type: ignore[attr-defined]
        if len(regions) == 1:
            field.widget = forms.HiddenInput()
            field.initial = regions[0].pk
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.layout = Layout(
            "region",
            "instance_name",
            Row(Column("instance_count"), Column("time_to_live_in_hours")),
            "ip_address_range",
            "description",
        )

    def clean_ip_address_range(self) -> list[str]:
        text: str = self.cleaned_data["ip_address_range"]
        return [part for part in re.split(r"[\s,;]+", text) if part]


class RenameForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=limits.NAME_CHARACTERS)


class TagForm(forms.Form):
    """Tags as one types them: `env=prod, role=web`."""

    tags = forms.CharField(
        label=_("Tags"),
        help_text=_("key=value, with commas between several. An existing key gets the new value."),
    )

    def clean_tags(self) -> dict[str, str]:
        tags = {}
        for part in self.cleaned_data["tags"].split(","):
            key, _equals, value = part.partition("=")
            if key.strip():
                tags[key.strip()] = value.strip()
        return tags


class SelectionForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=limits.SELECTION_NAME_CHARACTERS)
    is_shared = forms.BooleanField(
        label=_("Shared"),
        required=False,
        help_text=_("Everybody who may see instances can choose it; each gets those that they may see."),
    )
