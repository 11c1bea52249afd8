"""When a command runs."""

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from assistant.invocations import limits
from assistant.invocations.models import Invocation
from assistant.invocations.rules.cron import Cron
from assistant.invocations.rules.plans import Chosen, Interval, Moment, Plan, PlanKind, Timing, chosen_plan
from assistant.invocations.rules.zones import UTC_ZONE, Zone, zone_named
from console.kit.errors import ConsoleError

# The kinds of plans in as few words as fit side by side; below them a sentence says the whole.
KINDS = {
    PlanKind.NOW: _("Now"),
    PlanKind.NEXT_START: _("Next start"),
    PlanKind.EVERY_START: _("Every start"),
    PlanKind.INTERVAL: _("Every …"),
    PlanKind.MOMENT: _("Once at …"),
    PlanKind.CLOCK: _("By the clock"),
}
UNIT_WORDS = {"s": _("seconds"), "m": _("minutes"), "h": _("hours"), "d": _("days")}
# The field in which a kind says when, and what is said where it is empty.
WHEN = {
    PlanKind.INTERVAL: ("interval", _("Say how long it is from one run to the next.")),
    PlanKind.MOMENT: ("moment", _("Say the day and the time.")),
    PlanKind.CLOCK: ("cron", _("Write the times as a cron text.")),
}


class WallClock(forms.DateTimeField):
    """A day and a time as a clock shows them; the zone is another field."""

    widget = forms.DateTimeInput(format="%Y-%m-%dT%H:%M:%S", attrs={"type": "datetime-local", "step": "1"})

    def clean(self, value: Any) -> Any:
        said = super().clean(value)
        return said.replace(tzinfo=None) if said else None


class PlanForm(forms.Form):
    """When a command shall run, and until when. Fields of other kinds than the chosen one say nothing."""

    plan = forms.ChoiceField(
        label=_("When"),
        choices=[*KINDS.items()],
        initial=PlanKind.NOW,
        required=False,
        widget=forms.RadioSelect(attrs={"data-segmented": ""}),
    )
    # A text: a number that does not fit would keep a browser from sending the form, hidden as it may be.
    interval = forms.IntegerField(
        label=_("Every"),
        required=False,
        initial=15,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    unit = forms.ChoiceField(label=_("Unit"), choices=[*UNIT_WORDS.items()], initial="m", required=False)
    moment = WallClock(label=_("Day and time"), required=False)
    cron = forms.CharField(
        label=_("Cron text"),
        max_length=limits.FREQUENCY_CHARACTERS,
        required=False,
        initial="0 0 3 * * ?",
        widget=forms.TextInput(attrs={"class": "mono", "autocomplete": "off", "spellcheck": "false"}),
    )
    zone = forms.CharField(
        label=_("Time zone"),
        max_length=limits.ZONE_CHARACTERS,
        required=False,
        initial=UTC_ZONE.name,
        widget=forms.TextInput(attrs={"list": "zones", "autocomplete": "off", "spellcheck": "false"}),
    )
    expires_at = WallClock(
        label=_("Expires"), required=False, help_text=_("No run begins from then on. Empty: never.")
    )

    def __init__(self, *args: Any, timeout: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.timeout = timeout
        # Where nobody has said a zone, a script puts in the viewer's.
        if not self.is_bound and not self.initial.get("zone"):
            self.fields["zone"].widget.attrs["data-behaviour"] = "own-zone"

    @property
    def kind(self) -> PlanKind:
        said = self["plan"].value()
        return PlanKind(said) if said in PlanKind.values else PlanKind.NOW

    @property
    def timing(self) -> Timing:
        """What was said, for an operation."""
        timing: Timing = self.cleaned_data["timing"]
        return timing

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        self.leave_out_others()
        zone = self.zone_of(said.get("zone", ""))
        if not self.errors:
            plan = self.plan_of(said, zone)
            expires_at = self.expiry_of(said.get("expires_at"), zone)
            if plan and not self.errors:
                said["timing"] = Timing(plan, expires_at)
        return said

    def leave_out_others(self) -> None:
        """What stands in the fields of other kinds is not looked at."""
        meant = {"plan", *({"zone", "expires_at"} if self.kind is not PlanKind.NOW else ())}
        if self.kind in WHEN:
            meant |= {WHEN[self.kind][0], "unit"}
        for name in set(self.errors) - meant:
            del self.errors[name]

    def zone_of(self, name: str) -> Zone | None:
        """None where none is named."""
        if not name or self.kind is PlanKind.NOW:
            return None
        zone = zone_named(name)
        if zone is None:
            self.add_error(
                "zone", gettext("There is no such time zone. Say one as Asia/Shanghai, GMT+8:00 or UTC.")
            )
        return zone

    def plan_of(self, said: dict[str, Any], zone: Zone | None) -> Plan | None:
        field, what_is_missing = WHEN.get(self.kind, ("plan", ""))
        if self.kind in WHEN and said.get(field) in (None, ""):
            self.add_error(field, what_is_missing)
            return None
        chosen = Chosen(
            self.kind,
            number=said.get("interval"),
            unit=said.get("unit") or "m",
            wall=said.get("moment"),
            cron=said.get("cron", ""),
            zone=zone.name if zone else "",
        )
        try:
            return chosen_plan(chosen, now=timezone.now(), timeout=timedelta(seconds=self.timeout))
        except ConsoleError as error:
            self.add_error(field, error.message)
            return None

    def expiry_of(self, wall: datetime | None, zone: Zone | None) -> datetime | None:
        if wall is None or self.kind is PlanKind.NOW:
            return None
        moment = (zone or UTC_ZONE).moment(wall)
        if moment is None:
            self.add_error(
                "expires_at", gettext("The clocks there never show this time: they are put forward over it.")
            )
        return moment


def initial_of_plan(invocation: Invocation) -> dict[str, Any]:
    """The plan's fields as they say the plan of an earlier run."""
    plan = invocation.plan
    said: dict[str, Any] = {"plan": plan.kind.value}
    match plan.schedule:
        case Interval() as interval:
            said |= {"interval": interval.number, "unit": interval.unit}
        case Moment() as moment:
            said |= {"moment": moment.wall, "zone": moment.zone.name}
        case Cron() as cron:
            zone = cron.zone.name if cron.zone else ""
            said |= {"cron": cron.text.removesuffix(f" {zone}") if zone else cron.text, "zone": zone}
    return said
