"""Policies at users, groups and roles: on both sides asked, twice is once, and taken off on purpose."""

import pytest
from django.urls import reverse

from access.errors import NotConfirmed
from access.models import AuditEntry, Policy, PolicyAttachment, User
from access.operations.attachments import attach_policies, attach_policy, detach_policy
from access.operations.identities import principal_for
from access.principals import Door
from console.kit.errors import NotAllowed, NotFound
from tests.access.factories import GroupFactory, PolicyFactory, RoleFactory, UserFactory
from tests.conftest import attach, signed_in

pytestmark = pytest.mark.django_db

KINDS = ["user", "group", "role"]


def as_principal(user):
    return principal_for(User.objects.get(pk=user.pk), Door.CONSOLE)


@pytest.fixture
def runs():
    return PolicyFactory(name="runs")


@pytest.fixture
def places():
    return {
        "user": UserFactory(username="there"),
        "group": GroupFactory(name="there"),
        "role": RoleFactory(name="there"),
    }


def granted(user, action, resource):
    policy = PolicyFactory(action=action, resource=resource)
    return PolicyAttachment.objects.create(policy=policy, user=user)


@pytest.mark.parametrize("kind", KINDS)
def test_attaching_twice_is_once(olga, runs, places, kind):
    for _time in range(2):
        attach_policy(olga, runs, **{kind: places[kind]})

    attachment = PolicyAttachment.objects.get(policy=runs)
    assert (getattr(attachment, kind), attachment.created_by) == (places[kind], "olga")
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.resource) == (f"ram:AttachPolicyTo{kind.capitalize()}", "there")
    assert entry.facts == {"policy": "runs"}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_detached_counts_no_more(olga, runs, places, kind):
    attach_policy(olga, runs, **{kind: places[kind]})
    detach_policy(olga, runs, **{kind: places[kind]}, confirmed=True)

    assert not PolicyAttachment.objects.exists()
    assert AuditEntry.objects.latest("pk").action == f"ram:DetachPolicyFrom{kind.capitalize()}"


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_attached_is_not_found(olga, runs, places, kind):
    with pytest.raises(NotFound):
        detach_policy(olga, runs, **{kind: places[kind]})


@pytest.mark.parametrize("words", [{}, {"user": None}, {"user": 1, "group": 1}])
def test_a_policy_goes_to_one_place_at_a_time(olga, runs, places, words):
    chosen = {kind: value and places[kind] for kind, value in words.items()}

    with pytest.raises(ValueError, match="unpack"):
        attach_policy(olga, runs, **chosen)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("missing", ["policy", "place"])
@pytest.mark.parametrize("verb", ["Attach", "Detach"])
def test_both_the_policy_and_the_place_are_asked(runs, places, kind, missing, verb):
    action = f"ram:{verb}Policy{'To' if verb == 'Attach' else 'From'}{kind.capitalize()}"
    do = attach_policy if verb == "Attach" else detach_policy
    if verb == "Detach":
        PolicyAttachment.objects.create(policy=runs, **{kind: places[kind]})
    mia = UserFactory()
    both = {"policy": "acs:ram:*:*:policy/runs", "place": f"acs:ram:*:*:{kind}/there"}
    granted(mia, action, both["place" if missing == "policy" else "policy"])

    with pytest.raises(NotAllowed) as refusal:
        do(as_principal(mia), runs, **{kind: places[kind]})
    granted(mia, action, both[missing])
    words = {"confirmed": True} if verb == "Detach" else {}
    do(as_principal(mia), runs, **{kind: places[kind]}, **words)

    assert refusal.value.facts["action"] == action
    assert PolicyAttachment.objects.filter(policy=runs).exists() is (verb == "Attach")


@pytest.mark.parametrize("do", [attach_policy, detach_policy])
def test_administrators_policies_are_changed_by_administrators_alone(runs, do):
    boss = UserFactory(administrator=True)
    mia = UserFactory()
    attach(mia, "AliyunRAMFullAccess")

    with pytest.raises(NotAllowed):
        do(as_principal(mia), runs, user=boss)


def test_all_are_attached_or_none(runs, places):
    mia = UserFactory()
    granted(mia, "ram:AttachPolicyToUser", "acs:ram:*:*:policy/runs")
    granted(mia, "ram:AttachPolicyToUser", "acs:ram:*:*:user/*")

    with pytest.raises(NotAllowed):
        attach_policies(as_principal(mia), [runs, PolicyFactory(name="more")], user=places["user"])

    assert not PolicyAttachment.objects.filter(user=places["user"]).exists()


def test_a_policy_that_somebody_relies_on_is_detached_on_purpose(olga, runs, places):
    attach_policy(olga, runs, user=places["user"])

    with pytest.raises(NotConfirmed) as refusal:
        detach_policy(olga, runs, user=places["user"])

    assert refusal.value.message == "there loses permissions. Confirm that this is meant."
    assert refusal.value.status == 409
    assert PolicyAttachment.objects.exists()


def test_one_detaches_what_gives_one_rights_only_on_purpose():
    lea = UserFactory(username="lea")
    attach(lea, "AliyunRAMFullAccess")
    policy = Policy.objects.get(name="AliyunRAMFullAccess")

    with pytest.raises(NotConfirmed):
        detach_policy(as_principal(lea), policy, user=lea)
    detach_policy(as_principal(lea), policy, user=lea, confirmed=True)

    assert not as_principal(lea).names("ram:ListUsers")


def test_a_policy_at_a_group_without_members_is_detached_without_a_question(olga, runs, places):
    attach_policy(olga, runs, group=places["group"])
    detach_policy(olga, runs, group=places["group"])

    assert not PolicyAttachment.objects.exists()


def test_changes_are_rung_once_they_are_committed(
    olga, runs, places, bell, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        attach_policy(olga, runs, user=places["user"])

    assert ("cloud-assistant:news", ["access"]) in bell.heard()


# --- Pages ---


def address(name, kind, *words):
    return reverse(f"access:{kind}_{name}", args=["there", *words])


@pytest.mark.parametrize("kind", KINDS)
def test_policies_are_ticked_and_attached(as_operator, runs, places, kind):
    offered = as_operator.get(address("attach", kind), {"q": "RUN"}).context["choices"].rows
    ticked = {"policies": ["runs", "ReadOnlyAccess"]}
    response = as_operator.post(address("attach", kind), ticked)
    offered_after = as_operator.get(address("attach", kind), {"q": "runs"}).context["choices"].rows

    assert "runs" in [policy.name for policy in offered]
    assert response.status_code == 302
    attached = PolicyAttachment.objects.filter(**{kind: places[kind]})
    assert sorted(one.policy.name for one in attached) == ["ReadOnlyAccess", "runs"]
    assert "runs" not in [policy.name for policy in offered_after]


@pytest.mark.parametrize("kind", KINDS)
def test_one_is_told_who_loses_what_before_it_is_detached(as_operator, olga, runs, places, kind):
    attach_policy(olga, runs, **{kind: places[kind]})
    UserFactory(username="ana").groups.add(places["group"])
    allowed = PolicyFactory(action="sts:AssumeRole", resource="*")
    PolicyAttachment.objects.create(policy=allowed, user=UserFactory())

    told = as_operator.get(address("detach", kind, "runs")).content.decode()
    unasked = as_operator.post(address("detach", kind, "runs"))
    confirmed = as_operator.post(address("detach", kind, "runs"), {"confirmed": "1"})

    assert "run commands" in told
    assert {"user": "there", "group": "ana", "role": "In the role there"}[kind] in told
    assert (unasked.status_code, confirmed.status_code) == (409, 302)
    assert not PolicyAttachment.objects.filter(policy=runs).exists()


def test_two_hundred_policies_are_offered_and_the_rest_is_found(as_operator, places):
    PolicyFactory.create_batch(210)
    last = PolicyFactory(name="zzz-last")

    page = as_operator.get(address("attach", "user"))
    found = as_operator.get(address("attach", "user"), {"q": "zzz"}).context["choices"]

    assert len(page.context["choices"].rows) == 200
    assert "There are more." in page.content.decode()
    assert found.rows == [last]


def test_policies_that_may_not_be_seen_are_not_offered(places):
    PolicyFactory(name="secret")
    PolicyFactory(name="open")
    mia = UserFactory()
    for action, resource in [
        ("ram:ListUsers", "*"),
        ("ram:AttachPolicyToUser", "*"),
        ("ram:ListPolicies", "acs:ram:*:*:policy/open"),
    ]:
        granted(mia, action, resource)
    client = signed_in(mia)

    offered = client.get(address("attach", "user")).context["choices"].rows
    response = client.post(address("attach", "user"), {"policies": ["secret"]})

    assert [policy.name for policy in offered] == ["open"]
    assert response.status_code == 422
    assert not PolicyAttachment.objects.filter(user=places["user"]).exists()
