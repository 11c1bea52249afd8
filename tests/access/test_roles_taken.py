"""Taking on a role for a time: what counts then, and how it ends."""

from datetime import timedelta

import pytest
from django.utils import timezone

from access.errors import RoleTaken
from access.models import AuditEntry, PolicyAttachment, Role
from access.operations.identities import principal_for
from access.operations.roles_taken import assume_role, role_in_force
from access.principals import Door
from console.kit.errors import InvalidParameter, NotAllowed
from tests.conftest import attach, put_policy, signed_in

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


@pytest.fixture
def role(db):
    role = Role.objects.create(name="auditor", description="Looks at users", max_session_seconds=7200)
    attach_to(role, put_policy("SeesUsers", {"Effect": "Allow", "Action": "ram:ListUsers", "Resource": "*"}))
    return role


@pytest.fixture
def taker(reader):
    """A reader who may take on the one role."""
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "acs:ram:*:*:role/auditor"}
    attach(reader, put_policy("TakesAuditor", statement).name)
    return reader


@pytest.fixture
def as_taker(taker):
    return signed_in(taker)


def attach_to(role, policy):
    PolicyAttachment.objects.create(policy=policy, role=role)


def take_on(client, *, minutes=60, name="auditor"):
    return client.post(f"/console/account/roles/{name}/assume/", {"duration": minutes})


def principal_of(client):
    return client.get("/console/account/").wsgi_request.principal


def end_time(client):
    """The time of the role is over."""
    session = client.session
    kept = session["role"]
    kept[2] = (timezone.now() - timedelta(seconds=1)).isoformat()
    session["role"] = kept
    session.save()


def test_in_a_role_its_policies_count_and_ones_own_do_not(as_taker, role):
    before = principal_of(as_taker)
    take_on(as_taker)
    inside = principal_of(as_taker)

    assert (before.names("ecs:DescribeInstances"), before.names("ram:ListUsers")) == (True, False)
    assert (inside.names("ecs:DescribeInstances"), inside.names("ram:ListUsers")) == (False, True)
    assert (inside.name, inside.role, inside.user_id) == (before.name, "auditor", before.user_id)


def test_an_administrator_in_a_role_is_none(as_operator, role):
    take_on(as_operator)

    assert not principal_of(as_operator).is_administrator
    assert as_operator.get("/admin/").status_code == 409


def test_the_bar_says_in_which_role_one_is(as_taker, role):
    take_on(as_taker)

    page = as_taker.get("/console/account/").content.decode()

    assert "In the role auditor until" in page
    assert "Leave the role" in page


def test_taking_one_on_is_remembered_with_its_end(as_taker, role):
    take_on(as_taker)

    entry = AuditEntry.objects.get(action="sts:AssumeRole")
    assert (entry.principal, entry.resource, entry.outcome) == ("rita", "auditor", "Done")
    assert "until" in entry.facts


def test_what_is_done_in_a_role_is_remembered_with_it(as_taker, role):
    take_on(as_taker)
    as_taker.post("/console/account/sessions/end-others/")

    assert AuditEntry.objects.get(action="ram:EndSession").role == "auditor"


def test_an_export_goes_on_while_the_role_lasts(as_taker, role):
    look_up = {"Effect": "Allow", "Action": "actiontrail:LookupEvents", "Resource": "*"}
    attach_to(role, put_policy("LooksUp", look_up))
    take_on(as_taker)

    response = as_taker.post("/console/access/audit/export/", {"form": "jsonl"})

    text = b"".join(response.streaming_content).decode()
    assert "sts:AssumeRole" in text
    assert "withdrawn" not in text


def test_leaving_it_makes_one_oneself_again(as_taker, role):
    take_on(as_taker)
    as_taker.post("/console/account/roles/leave/")

    assert principal_of(as_taker).role == ""
    assert AuditEntry.objects.filter(action="sts:LeaveRole", resource="auditor").exists()


def test_who_is_in_none_leaves_none(as_taker):
    as_taker.post("/console/account/roles/leave/")

    assert not AuditEntry.objects.filter(action="sts:LeaveRole").exists()


def withdraw(_client, _role):
    PolicyAttachment.objects.filter(policy__name="TakesAuditor").delete()


def delete(_client, role):
    role.delete()


def run_out(client, _role):
    end_time(client)


@pytest.mark.parametrize("ending", [withdraw, delete, run_out])
def test_when_it_ends_one_is_oneself_again_and_told_so(as_taker, role, ending):
    take_on(as_taker)
    ending(as_taker, role)

    page = as_taker.get("/console/account/")
    again = as_taker.get("/console/account/")

    assert page.wsgi_request.principal.role == ""
    assert "The role auditor has ended" in page.content.decode()
    assert "has ended" not in again.content.decode()


def test_what_was_begun_in_a_role_that_ended_is_not_done_without_it(as_taker, taker, role):
    elsewhere = signed_in(taker)
    take_on(as_taker)
    end_time(as_taker)

    refused = as_taker.post("/console/account/sessions/end-others/")
    repeated = as_taker.post("/console/account/sessions/end-others/")

    assert (refused.status_code, repeated.status_code) == (409, 302)
    assert elsewhere.get("/console/account/").status_code == 302


def test_a_part_of_a_page_says_that_the_role_has_ended(as_taker, role):
    take_on(as_taker)
    end_time(as_taker)

    response = as_taker.get("/console/", headers={"HX-Request": "true"})

    assert (response.status_code, response["HX-Retarget"]) == (409, "#notices")


def test_one_leaves_also_when_the_role_has_ended(as_taker, role):
    take_on(as_taker)
    end_time(as_taker)
    as_taker.post("/console/sign-out/")

    assert as_taker.get("/console/account/").status_code == 302


def test_in_a_role_nobody_takes_on_another(as_operator, role):
    Role.objects.create(name="other")
    take_on(as_operator)

    assert take_on(as_operator, name="other").status_code in (403, 404)
    assert principal_of(as_operator).role == "auditor"


def test_not_even_when_the_role_would_allow_it(taker, role):
    attach_to(role, put_policy("TakesAll", {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}))
    inside = principal_for(taker, Door.CONSOLE, role=role)

    with pytest.raises(RoleTaken):
        assume_role(inside, role, duration=HOUR)


def test_a_role_that_one_may_not_take_on_is_not_there(as_taker, role):
    Role.objects.create(name="other")

    assert take_on(as_taker, name="other").status_code == 404
    assert "other" not in as_taker.get("/console/account/roles/").content.decode()


def test_who_may_take_on_none_is_refused(as_reader, rita, role):
    assert take_on(as_reader).status_code == 403
    with pytest.raises(NotAllowed):
        assume_role(rita, role, duration=HOUR)


@pytest.mark.parametrize("duration", [timedelta(0), timedelta(minutes=14), timedelta(minutes=121), -HOUR])
def test_it_lasts_neither_too_short_nor_longer_than_the_role_allows(olga, role, duration):
    with pytest.raises(InvalidParameter):
        assume_role(olga, role, duration=duration)


@pytest.mark.parametrize(
    ("seconds", "offered"), [(900, [15]), (7200, [15, 30, 60, 120]), (5400, [15, 30, 60, 90])]
)
def test_the_form_offers_what_the_role_allows(as_taker, role, seconds, offered):
    Role.objects.update(max_session_seconds=seconds)

    form = as_taker.get("/console/account/roles/auditor/assume/").context["form"]

    assert [value for value, _words in form.fields["duration"].choices] == offered


def test_a_role_is_asked_for_with_ones_own_policies(taker, role):
    taken = assume_role(principal_for(taker, Door.CONSOLE), role, duration=HOUR)

    assert role_in_force(principal_for(taker, Door.CONSOLE), taken) == role
    assert role_in_force(principal_for(taker, Door.CONSOLE, role=role), taken) is None


@pytest.mark.parametrize("size", [1, 40])
def test_the_list_costs_the_same_for_one_as_for_many(as_operator, size, django_assert_max_num_queries):
    Role.objects.bulk_create(Role(name=f"role-{number}") for number in range(size))

    with django_assert_max_num_queries(5):
        as_operator.get("/console/account/roles/")
