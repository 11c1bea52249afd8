"""Custom policies: make, change, go back, delete. Those that come with the product stay as they are."""

import re
from datetime import timedelta

from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from access import followups, limits
from access.errors import EntityInUse, NotConfirmed, PolicyMalformed, PolicyShipped
from access.models import Policy, PolicyAttachment, PolicyVersion
from access.operations.attachments import Place, authorize_place
from access.operations.calls import operation, record
from access.operations.decisions import authorize
from access.operations.names import check_name_free
from access.principals import Principal
from access.rules import documents
from access.rules.actions import Action
from access.rules.losses import lost
from access.rules.policies import Policy as Statements
from access.rules.policies import PolicySet
from access.scopes import arn
from console.kit.errors import InvalidParameter, NotFound

NAME_FORM = re.compile(r"[A-Za-z0-9._-]+")
PATH_WORDS = frozenset({".", ".."})
CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
# Names that a sentence has before it counts the others.
NAMED = 3


@operation("ram:CreatePolicy")
def create_policy(principal: Principal, name: str, *, document: str, description: str = "") -> Policy:
    """Make a custom policy. Raises InvalidParameter, EntityExists, or PolicyMalformed with the place."""
    authorize(principal, "ram:CreatePolicy", arn("ram", "policy", name))

    check_policy_name(name)
    check_name_free(Policy.objects.all(), "name", name)
    check_description(description)
    text = document.replace("\r\n", "\n")
    checked_document(text, name)

    now = timezone.now()
    policy = Policy.objects.create(name=name, description=description, created_at=now, updated_at=now)
    add_version(principal, policy, text, number=1)

    record(principal, "ram:CreatePolicy", name, version=1)
    followups.access_changed()
    return policy


@operation("ram:CreatePolicyVersion")
def update_policy(
    principal: Principal,
    policy: Policy,
    *,
    document: str,
    description: str | None = None,
    confirmed: bool = False,
) -> Policy:
    """Save a new version of the document and put it in force. The text that is in force makes none.

    Raises NotConfirmed where the principal could do less by it, PolicyMalformed with the place.
    """
    authorize(principal, "ram:CreatePolicyVersion", arn("ram", "policy", policy.name))

    check_custom(policy)
    if description is not None:
        check_description(description)
    text = document.replace("\r\n", "\n")
    statements = checked_document(text, policy.name)
    check_own_kept(principal, statements, confirmed=confirmed)

    policy = Policy.objects.select_for_update().filter(pk=policy.pk).get()
    if description is not None and description != policy.description:
        policy.description = description
        policy.save(update_fields=["description"])
        record(principal, "ram:CreatePolicyVersion", policy.name, description=description)
    if policy.versions.filter(number=policy.version, document=text).exists():
        return policy
    newest: int = policy.versions.aggregate(newest=Max("number"))["newest"]
    add_version(principal, policy, text, number=newest + 1)
    put_in_force(principal, policy, newest + 1)

    record(principal, "ram:CreatePolicyVersion", policy.name, version=policy.version)
    followups.access_changed()
    return policy


@operation("ram:SetDefaultPolicyVersion")
def set_default_version(
    principal: Principal, policy: Policy, *, number: int, confirmed: bool = False
) -> Policy:
    """Put another version in force. Raises NotFound, and NotConfirmed where the principal could do less by it."""
    authorize(principal, "ram:SetDefaultPolicyVersion", arn("ram", "policy", policy.name))

    check_custom(policy)
    version = policy.versions.filter(number=number).first()
    if version is None:
        facts = {"name": policy.name, "number": number}
        raise NotFound(_("The policy %(name)s has no version %(number)d.") % facts)
    check_own_kept(principal, checked_document(version.document, policy.name), confirmed=confirmed)

    policy = Policy.objects.select_for_update().filter(pk=policy.pk).get()
    if policy.version == number:
        return policy
    before = policy.version
    put_in_force(principal, policy, number)

    record(principal, "ram:SetDefaultPolicyVersion", policy.name, before=before, version=number)
    followups.access_changed()
    return policy


@operation("ram:DeletePolicy")
def delete_policy(principal: Principal, policy: Policy, *, detach: bool = False) -> None:
    """Delete a custom policy with all its versions.

    Raises EntityInUse while it is attached; with `detach` it is first taken off everywhere, for which the
    principal needs the permissions of detaching it there.
    """
    authorize(principal, "ram:DeletePolicy", arn("ram", "policy", policy.name))

    check_custom(policy)
    attachments = list(policy.attachments.select_related("user", "group", "role"))
    if attachments and not detach:
        raise EntityInUse(in_use(principal, policy))
    places = [Place.of(user=one.user, group=one.group, role=one.role) for one in attachments]
    for place in places:
        authorize_place(principal, place.detach_action, policy, place)
    PolicyAttachment.objects.filter(policy=policy).delete()
    policy.delete()

    detached = [f"{place.kind}/{place.name}" for place in places]
    record(principal, "ram:DeletePolicy", policy.name, detached=detached[:50], count=len(detached))
    followups.access_changed()


def put_policy(
    principal: Principal, name: str, *, document: str, description: str | None = None, confirmed: bool = False
) -> Policy:
    """Make the policy, or, where there is one of that name, a new version of it."""
    policy = Policy.objects.filter(name=name).first()
    if policy is None:
        return create_policy(principal, name, document=document, description=description or "")
    return update_policy(principal, policy, document=document, description=description, confirmed=confirmed)


# --- What is checked ---


def check_policy_name(name: str) -> None:
    well_formed = 1 <= len(name) <= limits.POLICY_NAME_CHARACTERS and NAME_FORM.fullmatch(name)
    if not well_formed or name in PATH_WORDS:
        message = _("The name has 1 to %(most)d letters, digits or . _ -")
        raise InvalidParameter(message % {"most": limits.POLICY_NAME_CHARACTERS}, field="name")


def check_description(description: str) -> None:
    if len(description) > limits.DESCRIPTION_CHARACTERS or CONTROL.search(description):
        message = _("The description has at most %(most)d printable characters.")
        raise InvalidParameter(message % {"most": limits.DESCRIPTION_CHARACTERS}, field="description")


def check_custom(policy: Policy) -> None:
    if policy.is_system:
        message = _("%(name)s comes with the product and stays as it is. Make a copy to change it.")
        raise PolicyShipped(message % {"name": policy.name})


def checked_document(document: str, name: str) -> Statements:
    try:
        return documents.read(document, name=name)
    except documents.DocumentFault as fault:
        raise PolicyMalformed(str(fault), field="document", path=fault.path, reason=fault.reason) from fault


def check_own_kept(principal: Principal, statements: Statements, *, confirmed: bool) -> None:
    gone = own_losses(principal, statements)
    if gone and not confirmed:
        names = [str(action.label) for action in gone]
        shown = ", ".join(names[:NAMED])
        message = ngettext(
            "By this you yourself lose permissions or have them on less: %(names)s. Confirm that this is meant.",
            "By this you yourself lose permissions or have them on less: %(names)s and %(others)d more."
            " Confirm that this is meant.",
            1 + len(names[NAMED:]),
        )
        raise NotConfirmed(message % {"names": shown, "others": len(names[NAMED:])})


def own_losses(principal: Principal, statements: Statements) -> list[Action]:
    """What the principal could no longer do, or on less, if these were the policy of that name."""
    if principal.is_administrator:
        return []
    before = principal.policies.policies
    if not any(one.name == statements.name for one in before):
        return []
    after = [statements if one.name == statements.name else one for one in before]
    return lost(PolicySet(before), PolicySet(after))


def in_use(principal: Principal, policy: Policy) -> str:
    """Where the policy is attached, as far as the principal may know."""
    attached = policy.attachments.all()
    seen = attached.visible_to(principal).select_related("user", "group", "role")[:NAMED]
    names = ", ".join(str(one.user or one.group or one.role) for one in seen)
    number = attached.count()
    facts = {"name": policy.name, "number": number, "names": names, "others": number - len(seen)}
    if not names:
        message = ngettext(
            "%(name)s is attached in %(number)d place. Detach it there first.",
            "%(name)s is attached in %(number)d places. Detach it there first.",
            number,
        )
    elif facts["others"]:
        message = _("%(name)s is attached to %(names)s and %(others)d more. Detach it there first.")
    else:
        message = _("%(name)s is attached to %(names)s. Detach it there first.")
    return message % facts


# --- What is changed ---


def add_version(principal: Principal, policy: Policy, document: str, *, number: int) -> None:
    PolicyVersion.objects.create(policy=policy, number=number, document=document, created_by=principal.name)


def put_in_force(_principal: Principal, policy: Policy, number: int) -> None:
    policy.version = number
    # Processes remember a policy by name, version and this moment: it never says the same twice.
    policy.updated_at = max(timezone.now(), policy.updated_at + timedelta(microseconds=1))
    policy.save(update_fields=["version", "updated_at"])
