"""The guard: a run that hits much of a region, or whose script could do much harm, is asked about once more.

Asked is with `ConfirmationNeeded`, which has the reasons and a digest of them and of all that they are about.
The same call with that digest goes through; another script, other values or servers are asked about anew.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from access.principals import Door, Principal
from assistant.commands.models import Command
from assistant.commands.rules.parameters import as_text, substituted
from assistant.instances.models import Instance
from assistant.invocations import limits
from assistant.invocations.errors import ConfirmationNeeded
from assistant.invocations.models import Guard
from assistant.invocations.operations.blackouts import dark_now, in_words
from assistant.invocations.rules.guard import DEFAULT_PATTERNS, found_in, patterns_of

SALT = "assistant.invocations.guard"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why it is asked: as the audit trail names it, and as a sentence."""

    name: str
    sentence: str


def current_guard() -> Guard:
    """What an administrator has set, else the defaults."""
    return Guard.objects.order_by("pk").first() or Guard(patterns=DEFAULT_PATTERNS)


def check_guard(
    principal: Principal,
    command: Command,
    values: Mapping[str, str],
    instance_ids: Sequence[str],
    *,
    confirmed: str,
    begins_now: bool = True,
) -> list[str]:
    """What has been confirmed, by name; nothing where there was nothing to ask. Raises ConfirmationNeeded."""
    guard = current_guard()
    if principal.door is Door.API and not guard.asks_programs:
        return []
    reasons = [
        *reasons_of_share(guard, command.region_id, len(instance_ids)),
        *reasons_of_script(guard, command, values),
        *(reasons_of_blackouts(instance_ids) if begins_now else []),
    ]
    if not reasons:
        return []
    said = digest(command, values, instance_ids, reasons)
    if not constant_time_compare(said, confirmed):
        sentences = [reason.sentence for reason in reasons]
        raise ConfirmationNeeded(question_of(sentences, said), reasons=sentences, digest=said)
    return [reason.name for reason in reasons]


def question_of(sentences: Sequence[str], said: str) -> str:
    """For doors without a form: what to read, and how to say yes."""
    message = _("%(reasons)s If that is meant, confirm it with %(digest)s.")
    return message % {"reasons": " ".join(sentences), "digest": said}


def reasons_of_share(guard: Guard, region_id: str, n_hit: int) -> list[Reason]:
    if n_hit < guard.least:
        return []
    n_there = Instance.objects.registered().filter(region=region_id).count()
    if n_hit * 100 <= guard.percent * n_there:
        return []
    # Without the region's number: not everybody sees all of its instances.
    message = ngettext(
        "It runs on %(number)d instance: more than %(percent)d %% of the region %(region)s.",
        "It runs on %(number)d instances: more than %(percent)d %% of the region %(region)s.",
        n_hit,
    )
    facts = {"number": n_hit, "percent": guard.percent, "region": region_id}
    return [Reason("share of the region", message % facts)]


def reasons_of_script(guard: Guard, command: Command, values: Mapping[str, str]) -> list[Reason]:
    """What it does with its parameters put in; of that only what stands in the script itself is quoted."""
    patterns = patterns_of(guard.patterns)
    filled = substituted(command.content, values) if command.enable_parameter else command.content
    found = found_in(filled, patterns)
    if found is None:
        return [Reason("not looked through", _("It is too long to be looked through for what may do harm."))]
    written = {one.words: one.quoted for one in found_in(command.content, patterns) or []}
    return [Reason(one.words, sentence_of(one.words, written.get(one.words, ""))) for one in found]


def reasons_of_blackouts(instance_ids: Sequence[str]) -> list[Reason]:
    """Plans wait for the end of a window by themselves; who starts a run by hand is told of it."""
    found = dark_now(instance_ids, now=timezone.now())
    return [Reason("blackout window", in_words(dark)) for dark in found]


def sentence_of(words: str, quoted: str) -> str:
    facts = {"words": words, "quoted": quoted[: limits.QUOTED_CHARACTERS]}
    if quoted:
        return _("It %(words)s: “%(quoted)s”.") % facts
    return _("With its parameters put in it %(words)s.") % facts


def digest(
    command: Command, values: Mapping[str, str], instance_ids: Iterable[str], reasons: Iterable[Reason]
) -> str:
    """Keyed: it is shown, and must not tell whether a secret value was guessed."""
    parts = [command.type, command.content, as_text(values), *sorted(instance_ids)]
    parts += [reason.sentence for reason in reasons]
    return salted_hmac(SALT, "\0".join(parts), algorithm="sha256").hexdigest()[:32]
