"""When no plan runs."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from assistant.instances.limits import TAG_KEY_CHARACTERS, TAG_VALUE_CHARACTERS
from assistant.instances.models import Region
from assistant.invocations import limits
from assistant.invocations.forms.plans import PlanForm, WallClock
from assistant.invocations.models import Blackout
from assistant.invocations.operations.blackouts import BlackoutTerms
from assistant.invocations.rules.blackouts import Single, Weekly, Window, first_shown, last_shown
from assistant.invocations.rules.zones import UTC_ZONE, Zone, zone_named

TIME_OF_DAY = forms.TimeInput(format="%H:%M", attrs={"type": "time"})
DAYS = [
    ("1", _("Monday")),
    ("2", _("Tuesday")),
    ("3", _("Wednesday")),
    ("4", _("Thursday")),
    ("5", _("Friday")),
    ("6", _("Saturday")),
    ("7", _("Sunday")),
]
# By the words that the plan's fields have for the same.
EVERY_WEEK, ONCE = "clock", "moment"
# What has to be said of a window of each kind.
TIMES_OF_WINDOW = {EVERY_WEEK: ("opens", "closes"), ONCE: ("starts", "ends")}


class BlackoutForm(forms.Form):
    """When no plan runs, and where. Fields of the other kind than the chosen one say nothing."""

    reason = forms.CharField(
        label=_("Reason"),
        max_length=limits.REASON_CHARACTERS,
        help_text=_("Shown wherever a plan is held: “Month end closing”."),
    )
    region = forms.ModelChoiceField(
        Region.objects.none(), label=_("Region"), required=False, empty_label=_("All regions")
    )
    tag = forms.CharField(
        label=_("Tag"),
        required=False,
        max_length=TAG_KEY_CHARACTERS + TAG_VALUE_CHARACTERS + 1,
        help_text=_("env=prod, or env for any value. Empty: all instances."),
    )
    kind = forms.ChoiceField(
        label=_("When"),
        choices=[(EVERY_WEEK, _("Every week")), (ONCE, _("Once"))],
        initial=EVERY_WEEK,
        widget=forms.RadioSelect(attrs={"data-segmented": ""}),
    )
    days = forms.MultipleChoiceField(
        label=_("Days"),
        choices=DAYS,
        required=False,
        initial=[word for word, _label in DAYS],
        widget=forms.CheckboxSelectMultiple(),
    )
    opens = forms.TimeField(label=_("From"), required=False, initial="22:00", widget=TIME_OF_DAY)
    closes = forms.TimeField(
        label=_("To"),
        required=False,
        initial="06:00",
        widget=TIME_OF_DAY,
        help_text=_("Not after the beginning: on the next day."),
    )
    starts = WallClock(label=_("From"), required=False)
    ends = WallClock(label=_("To"), required=False)
    zone = PlanForm.base_fields["zone"]

    def __init__(self, *args: Any, regions: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["region"].queryset = regions  # type: ignore[attr-defined]
        self.fields["zone"].required = True
        if not self.is_bound and not self.initial.get("zone"):
            self.fields["zone"].widget.attrs["data-behaviour"] = "own-zone"

    @property
    def terms(self) -> BlackoutTerms:
        """What was said, for an operation."""
        said = self.cleaned_data
        key, _equals, value = (part.strip() for part in said["tag"].partition("="))
        return BlackoutTerms(said["reason"], said["window"], said["region"], key, value)

    def clean_zone(self) -> Zone:
        zone = zone_named(self.cleaned_data["zone"])
        if zone is None:
            raise forms.ValidationError(
                _("There is no such time zone. Say one as Asia/Shanghai, GMT+8:00 or UTC.")
            )
        return zone

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        wanted = TIMES_OF_WINDOW.get(said.get("kind", ""), ())
        for names in TIMES_OF_WINDOW.values():
            for name in names:
                if name not in wanted:
                    self.errors.pop(name, None)
                elif name not in self.errors and said.get(name) is None:
                    self.add_error(name, _("Say the time."))
        if not self.errors:
            said["window"] = window_in(said)
        return said


def window_in(said: dict[str, Any]) -> Window:
    if said["kind"] == EVERY_WEEK:
        days = [int(day) for day in said["days"]]
        return Weekly(days, said["opens"], said["closes"], said["zone"])
    return Single(first_shown(said["starts"], said["zone"]), last_shown(said["ends"], said["zone"]))


def initial_of_blackout(blackout: Blackout) -> dict[str, Any]:
    said = {"reason": blackout.reason, "region": blackout.region_id, "tag": blackout.tag}
    if blackout.is_weekly:
        times = {"days": list(blackout.weekdays), "opens": blackout.opens, "closes": blackout.closes}
        return {**said, **times, "kind": EVERY_WEEK, "zone": blackout.zone}
    return {
        **said,
        "kind": ONCE,
        "starts": blackout.starts_at,
        "ends": blackout.ends_at,
        "zone": UTC_ZONE.name,
    }
