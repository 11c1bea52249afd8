"""A statement in one or two plain sentences, for people who do not read JSON.

    May run commands and 3 more on any instance in the region cn-hangzhou, only as user01 or user02.

The words come from the labels of `access.rules.actions`; the patterns stay readable where nothing here
has a word for them. `access.rules.cautions` says what looks like a mistake or a danger.
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from access.rules import arns
from access.rules.actions import ALL, BY_NAME, Action
from access.rules.conditions import RUN_AS_KEY, SERVICE_NAME_KEY, TAG_KEY, Condition, belongs, folded
from access.rules.globs import has_wildcard, regex_of
from access.rules.policies import Effect, Statement

# How many names a sentence has before it says "and 5 more".
SHOWN = 3

# Pages explain the same patterns again and again: so many are remembered.
KEPT = 2048

# What weighs most is named first: running things, then changing things, then looking.
RUNS = ("ecs:RunCommand", "ecs:InvokeCommand", "ecs:SendFile")
READING = ("Describe", "List", "Get", "Lookup")


class Covered(NamedTuple):
    """A pattern of a statement's actions, and what it names among the actions of this console."""

    pattern: str
    actions: tuple[Action, ...]

    @property
    def labels(self) -> list[str]:
        return [str(action.label) for action in self.actions]


def sentence(statement: Statement, *, account: str = "") -> str:
    """What the statement allows or denies. `account` is this installation's, which is not worth a word."""
    conditions = [words_of(condition) for condition in statement.conditions]
    what = deed(statement, account)
    if statement.effect is Effect.ALLOW:
        limits = [_("only %(condition)s") % {"condition": one} for one in conditions]
        main = ", ".join([_("May %(deed)s") % {"deed": what}, *limits])
    else:
        main = " ".join(
            [_("May never %(deed)s") % {"deed": what}, *filter(None, [listed(conditions, most=None)])]
        )
    return " ".join([f"{main}.", *reach_sentences(statement)])


def deed(statement: Statement, account: str) -> str:
    """`run commands on any instance`; what is about nothing in particular needs no place."""
    actions = action_words(statement)
    known = covered(statement)
    if known and "*" in statement.resources and not any(action.types for action in known):
        return actions
    words = {"actions": actions, "resources": resource_words(statement.resources, account)}
    return _("%(actions)s on %(resources)s") % words


# --- Actions ---


def covered(statement: Statement) -> list[Action]:
    """The actions of this console that the statement is about."""
    return list(named(statement.actions, is_except=statement.is_except))


@lru_cache(KEPT // 8)
def named(patterns: tuple[str, ...], *, is_except: bool) -> tuple[Action, ...]:
    names = {action.name for pattern in patterns for action in named_by(folded(pattern))}
    return tuple(action for action in ALL if (action.name in names) is not is_except)


@lru_cache(KEPT)
def named_by(pattern: str) -> tuple[Action, ...]:
    """What one pattern, in small letters, names."""
    if not has_wildcard(pattern):
        return (BY_NAME[pattern],) if pattern in BY_NAME else ()
    matches = re.compile(regex_of(pattern), re.DOTALL).fullmatch
    return tuple(action for action in ALL if matches(folded(action.name)))


def covered_by_each(statement: Statement) -> list[Covered]:
    """The same pattern by pattern; of a `NotAction` what each pattern takes out."""
    return [Covered(pattern, named_by(folded(pattern))) for pattern in dict.fromkeys(statement.actions)]


def action_words(statement: Statement) -> str:
    words = listed(excepted_or_named(statement))
    if not statement.is_except:
        return words
    if statement.effect is Effect.DENY:
        return _("do anything except %(actions)s") % {"actions": words}
    return _("do everything except %(actions)s") % {"actions": words}


def excepted_or_named(statement: Statement) -> list[str]:
    """What the patterns name: whole services, then actions by their weight, then what nothing here knows."""
    services: list[str] = []
    known: dict[str, Action] = {}
    unknown: list[str] = []
    is_any = statement.effect is Effect.DENY or statement.is_except
    for each in covered_by_each(statement):
        if folded(each.pattern) in WHOLE:
            services.append(str(WHOLE[folded(each.pattern)][is_any]))
        elif each.actions:
            known |= {action.name: action for action in each.actions}
        else:
            unknown.append(_("do %(action)s") % {"action": each.pattern})
    return [*services, *(str(action.label) for action in sorted(known.values(), key=weight)), *unknown]


# What all of a service is called where it is allowed, and where it is denied or excepted.
WHOLE = {
    "*": (gettext_lazy("do everything"), gettext_lazy("do anything")),
    "ecs:*": (
        gettext_lazy("do everything with instances and commands"),
        gettext_lazy("do anything with instances and commands"),
    ),
    "ram:*": (
        gettext_lazy("do everything with users and policies"),
        gettext_lazy("do anything with users and policies"),
    ),
}


def weight(action: Action) -> int:
    if action.name in RUNS:
        return RUNS.index(action.name)
    return len(RUNS) + is_reading(action)


def is_reading(action: Action) -> bool:
    return action.name.partition(":")[2].startswith(READING)


# --- Resources ---


class Noun(NamedTuple):
    """A kind of resource: any of them, one of them, some of them."""

    one: Any
    several: Any


NOUNS = {
    "instance": Noun(gettext_lazy("instance"), gettext_lazy("instances")),
    "command": Noun(gettext_lazy("command"), gettext_lazy("commands")),
    "activation": Noun(gettext_lazy("activation code"), gettext_lazy("activation codes")),
    "user": Noun(gettext_lazy("user"), gettext_lazy("users")),
    "group": Noun(gettext_lazy("group"), gettext_lazy("groups")),
    "role": Noun(gettext_lazy("role"), gettext_lazy("roles")),
    "policy": Noun(gettext_lazy("policy"), gettext_lazy("policies")),
    "servicesettings": Noun(gettext_lazy("settings"), gettext_lazy("settings")),
}


def resource_words(patterns: Sequence[str], account: str) -> str:
    if "*" in patterns:
        return _("anything")
    places: dict[tuple[str, str], list[str]] = {}
    for pattern in patterns:
        arn = arns.split(pattern)
        places.setdefault(place_of(arn) if arn else ("*", "*"), []).append(pattern)
    words = [
        in_place(listed(kind_words(group), last=_("or")), region, owner if owner != account else "*")
        for (region, owner), group in places.items()
    ]
    return listed(words, last=_("or"))


def place_of(arn: arns.Arn) -> tuple[str, str]:
    is_anywhere = not arn.region and arn.service in arns.REGIONLESS
    return ("*" if is_anywhere else arn.region, arn.account)


def in_place(words: str, region: str, account: str) -> str:
    if not region:
        words = _("%(resources)s in no region") % {"resources": words}
    elif has_wildcard(region) and region != "*":
        words = _("%(resources)s in regions like %(region)s") % {"resources": words, "region": region}
    elif region != "*":
        words = _("%(resources)s in the region %(region)s") % {"resources": words, "region": region}
    if account != "*":
        words = _("%(resources)s of the account %(account)s") % {"resources": words, "account": account}
    return words


def kind_words(patterns: Iterable[str]) -> list[str]:
    """The resources of one place, those of a kind together: `any command`, `the instances i-a and i-b`."""
    words: list[str] = []
    names: dict[str, list[str]] = {}
    for pattern in patterns:
        arn = arns.split(pattern)
        kind, slash, name = arn.relative_id.partition("/") if arn else ("", "", "")
        noun = NOUNS.get(kind)
        if noun is None or not slash:
            words.append(pattern)
        elif name == "*":
            words.append(_("any %(noun)s") % {"noun": noun.one})
        elif has_wildcard(name):
            words.append(_("%(noun)s like %(pattern)s") % {"noun": noun.several, "pattern": name})
        else:
            names.setdefault(kind, []).append(name)
    return words + [the(NOUNS[kind], known) for kind, known in names.items()]


def the(noun: Noun, names: list[str]) -> str:
    if len(names) == 1:
        return _("the %(noun)s %(name)s") % {"noun": noun.one, "name": names[0]}
    return _("the %(noun)s %(names)s") % {"noun": noun.several, "names": listed(names, last=_("or"))}


# --- Conditions ---

# The positive operator → what it says of a value that has to be there, and what its negation says.
COMPARED: dict[str, tuple[Any, Any]] = {
    "StringEquals": (
        gettext_lazy("where %(what)s is %(values)s"),
        gettext_lazy("where %(what)s is not %(values)s, or is missing"),
    ),
    "StringEqualsIgnoreCase": (
        gettext_lazy("where %(what)s is %(values)s in capital or small letters"),
        gettext_lazy("where %(what)s is not %(values)s in capital or small letters, or is missing"),
    ),
    "StringLike": (
        gettext_lazy("where %(what)s is like %(values)s"),
        gettext_lazy("where %(what)s is not like %(values)s, or is missing"),
    ),
    "Bool": (gettext_lazy("where %(what)s is %(values)s"), ""),
    "IpAddress": (
        gettext_lazy("where %(what)s is in %(values)s"),
        gettext_lazy("where %(what)s is not in %(values)s, or is missing"),
    ),
    "NumericEquals": (
        gettext_lazy("where %(what)s is %(values)s"),
        gettext_lazy("where %(what)s is not %(values)s, or is missing"),
    ),
    "NumericLessThan": (gettext_lazy("where %(what)s is less than %(values)s"), ""),
    "NumericLessThanEquals": (gettext_lazy("where %(what)s is at most %(values)s"), ""),
    "NumericGreaterThan": (gettext_lazy("where %(what)s is more than %(values)s"), ""),
    "NumericGreaterThanEquals": (gettext_lazy("where %(what)s is at least %(values)s"), ""),
    "DateEquals": (
        gettext_lazy("where %(what)s is %(values)s"),
        gettext_lazy("where %(what)s is not %(values)s, or is missing"),
    ),
    "DateLessThan": (gettext_lazy("where %(what)s is before %(values)s"), ""),
    "DateLessThanEquals": (gettext_lazy("where %(what)s is %(values)s or before"), ""),
    "DateGreaterThan": (gettext_lazy("where %(what)s is after %(values)s"), ""),
    "DateGreaterThanEquals": (gettext_lazy("where %(what)s is %(values)s or after"), ""),
}

# The keys that everybody uses have words of their own: (key, operator) → sentence part.
KEY_WORDS: dict[tuple[str, str], Any] = {
    (RUN_AS_KEY, "StringEquals"): gettext_lazy("as %(values)s"),
    (RUN_AS_KEY, "StringEqualsIgnoreCase"): gettext_lazy("as %(values)s, in capital or small letters"),
    (RUN_AS_KEY, "StringLike"): gettext_lazy("as an account like %(values)s"),
    (RUN_AS_KEY, "StringNotEquals"): gettext_lazy("as anybody but %(values)s"),
    (RUN_AS_KEY, "StringNotEqualsIgnoreCase"): gettext_lazy(
        "as anybody but %(values)s, in capital or small letters"
    ),
    (RUN_AS_KEY, "StringNotLike"): gettext_lazy("as no account like %(values)s"),
    ("acs:SourceIp", "IpAddress"): gettext_lazy("from %(values)s"),
    ("acs:SourceIp", "NotIpAddress"): gettext_lazy("from anywhere but %(values)s"),
    ("acs:CurrentTime", "DateLessThan"): gettext_lazy("before %(values)s"),
    ("acs:CurrentTime", "DateLessThanEquals"): gettext_lazy("until %(values)s"),
    ("acs:CurrentTime", "DateGreaterThan"): gettext_lazy("after %(values)s"),
    ("acs:CurrentTime", "DateGreaterThanEquals"): gettext_lazy("from %(values)s on"),
    (SERVICE_NAME_KEY, "StringEquals"): gettext_lazy("for the service %(values)s"),
}
YES_OR_NO = {
    ("acs:SecureTransport", "true"): gettext_lazy("over an encrypted connection"),
    ("acs:SecureTransport", "false"): gettext_lazy("over a connection that is not encrypted"),
    ("acs:MFAPresent", "true"): gettext_lazy("with a second factor"),
    ("acs:MFAPresent", "false"): gettext_lazy("without a second factor"),
}


def words_of(condition: Condition) -> str:
    """A condition as the end of a sentence: `as user01 or user02`, `where the tag env is staging`."""
    if len(condition.values) == 1 and condition.operator == "Bool":
        known = YES_OR_NO.get((condition.key, folded(condition.values[0])))
        if known:
            return str(known)
    template = KEY_WORDS.get((condition.key, condition.operator))
    if template is None:
        template = COMPARED[condition.positive][condition.is_negative]
    values = listed(condition.values, last=_("or"), most=None)
    return str(template) % {"what": subject_of(condition.key), "values": values}


def subject_of(key: str) -> str:
    if key.startswith(TAG_KEY):
        return _("the tag %(key)s") % {"key": key.removeprefix(TAG_KEY)}
    return key


# --- How far a condition reaches (CA-241) ---


def reach_sentences(statement: Statement) -> list[str]:
    """That a condition is asked of some of the actions alone: what that means for the others."""
    sentences = []
    for key in {condition.key: None for condition in statement.conditions}:
        asked, others = reach(statement, key)
        if asked and others:
            sentences.append(reach_sentence(statement.effect, key, asked))
    return sentences


def reach(statement: Statement, key: str) -> tuple[list[Action], list[Action]]:
    """The actions whose requests can carry the key, and those that the condition says nothing about."""
    asked: list[Action] = []
    others: list[Action] = []
    for action in covered(statement):
        types = action.types or ("",)
        fits = any(belongs(key, folded(action.name), kind) for kind in types)
        (asked if fits else others).append(action)
    return asked, others


def reach_sentence(effect: Effect, key: str, asked: list[Action]) -> str:
    labels = [one.label for one in sorted(asked, key=weight)]
    facts = {"key": key, "actions": listed(labels, last=_("or"))}
    if effect is Effect.ALLOW:
        return (
            _("%(key)s counts only when one wants to %(actions)s; the rest is allowed whatever it is.")
            % facts
        )
    return _("%(key)s counts only when one wants to %(actions)s; the rest is not denied by this.") % facts


def listed(words: Iterable[Any], *, last: str = "", most: int | None = SHOWN) -> str:
    """`a, b and c`; of more than `most`, one more than the first ones not being worth a number: `a, b and 5 more`."""
    known = list(words)
    if most is not None and len(known) > most + 1:
        number = len(known) - most
        facts = {"first": ", ".join(map(str, known[:most])), "number": number}
        return ngettext("%(first)s and %(number)d more", "%(first)s and %(number)d more", number) % facts
    if len(known) < 2:
        return "".join(map(str, known))
    return f"{', '.join(map(str, known[:-1]))} {last or _('and')} {known[-1]}"
