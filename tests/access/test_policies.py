"""Custom policies: made, changed, put back, deleted, on their pages and by commands."""

import json
from io import StringIO

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.urls import reverse

from access.errors import EntityExists, EntityInUse, NotConfirmed, PolicyMalformed, PolicyShipped
from access.models import AuditEntry, Policy, PolicyAttachment, PolicyVersion, Role, User
from access.operations.attachments import attach_policy
from access.operations.policies import (
    create_policy,
    delete_policy,
    put_policy,
    set_default_version,
    update_policy,
)
from console.kit.errors import InvalidParameter, NotAllowed, NotFound

pytestmark = pytest.mark.django_db


def document(action="ecs:RunCommand", resource="*", **more):
    statement = {"Effect": "Allow", "Action": action, "Resource": resource, **more}
    return json.dumps({"Version": "1", "Statement": [statement]}, indent=2)


RUN, LOOK = document(), document("ecs:Describe*")
MANAGES_POLICIES = {"Effect": "Allow", "Action": "ram:*", "Resource": "*"}


@pytest.fixture
def runs(olga):
    return create_policy(olga, "runs", document=RUN)


@pytest.fixture
def manager(somebody):
    """Somebody who may change all policies, and with them their own permissions."""
    return somebody("mona", MANAGES_POLICIES)


# --- Make ---


def test_a_policy_is_kept_as_it_was_typed(olga):
    typed = ' { "Version":"1",\r\n"Statement":[{"Effect":"Allow","Action":"ecs:*","Resource":"*"}]}\r\n'

    policy = create_policy(olga, "all-ecs", document=typed, description="Everything")

    version = policy.versions.get()
    assert version.document == typed.replace("\r\n", "\n")
    assert (version.number, version.created_by) == (1, "olga")
    assert (policy.kind, policy.version, policy.description) == ("Custom", 1, "Everything")
    assert AuditEntry.objects.filter(action="ram:CreatePolicy", resource="all-ecs").count() == 1


@pytest.mark.parametrize("name", ["", "a b", "a/b", "a*", "ü", ".", "..", "x" * 129, "a\n", "a:b"])
def test_a_name_that_is_none_is_refused(olga, name):
    with pytest.raises(InvalidParameter) as refusal:
        create_policy(olga, name, document=RUN)

    assert refusal.value.field == "name"
    assert not Policy.objects.filter(kind="Custom").exists()


@pytest.mark.parametrize("name", ["runs", "Runs", "AdministratorAccess", "administratoraccess"])
def test_a_name_that_is_taken_is_refused(olga, runs, name):
    with pytest.raises(EntityExists):
        create_policy(olga, name, document=RUN)


@pytest.mark.parametrize("description", ["x" * 257, "a\x00b"])
def test_a_description_that_cannot_be_printed_is_refused(olga, description):
    with pytest.raises(InvalidParameter) as refusal:
        create_policy(olga, "runs", document=RUN, description=description)

    assert refusal.value.field == "description"


@pytest.mark.parametrize(
    ("typed", "place", "reason"),
    [
        ("{", "", "Line 1"),
        (document(Principal="*"), "Statement[0].Principal", "no member Principal"),
        (document(resource=["*", "x"]), "Statement[0].Resource[1]", "no resource"),
        (document("x" * 7000), "", "at most 6144"),
    ],
)
def test_a_document_that_is_none_is_refused_with_place_and_reason(olga, typed, place, reason):
    with pytest.raises(PolicyMalformed) as refusal:
        create_policy(olga, "runs", document=typed)

    assert refusal.value.facts["path"] == place
    assert place in refusal.value.message
    assert reason in refusal.value.message


def test_a_reader_changes_no_policy(rita, runs):
    for change in (
        lambda: create_policy(rita, "mine", document=RUN),
        lambda: update_policy(rita, runs, document=LOOK),
        lambda: set_default_version(rita, runs, number=1),
        lambda: delete_policy(rita, runs),
    ):
        with pytest.raises(NotAllowed):
            change()

    assert PolicyVersion.objects.filter(policy=runs).count() == 1


def test_who_may_change_one_policy_changes_no_other(olga, runs, somebody):
    create_policy(olga, "looks", document=LOOK)
    narrow = {"Effect": "Allow", "Action": "ram:CreatePolicyVersion", "Resource": "acs:ram:*:*:policy/runs"}
    paul = somebody("paul", narrow).principal

    update_policy(paul, runs, document=LOOK)

    with pytest.raises(NotAllowed):
        update_policy(paul, Policy.objects.get(name="looks"), document=RUN)


# --- Change ---


def test_a_change_is_a_new_version_in_force(olga, runs):
    before = runs.updated_at

    policy = update_policy(olga, runs, document=LOOK)

    assert (policy.version, policy.versions.count()) == (2, 2)
    assert policy.updated_at > before


def test_the_same_text_makes_no_version(olga, runs):
    policy = update_policy(olga, runs, document=RUN.replace("\n", "\r\n"))

    assert (policy.version, policy.versions.count()) == (1, 1)
    assert policy.updated_at == runs.updated_at


def test_a_description_changes_without_a_version(olga, runs):
    policy = update_policy(olga, runs, document=RUN, description="Runs things")

    assert (policy.version, policy.description) == (1, "Runs things")


def test_an_earlier_version_is_put_in_force_and_counts_at_once(olga, runs, somebody):
    paul = somebody("paul")
    attach_policy(olga, runs, user=paul.user)
    update_policy(olga, runs, document=LOOK)
    allowed_before = paul.principal.names("ecs:RunCommand")

    policy = set_default_version(olga, Policy.objects.get(pk=runs.pk), number=1)

    assert not allowed_before
    assert paul.principal.names("ecs:RunCommand")
    assert policy.version == 1
    assert update_policy(olga, policy, document=document("ecs:SendFile")).version == 3


def test_a_version_that_is_not_there_is_not_put_in_force(olga, runs):
    with pytest.raises(NotFound):
        set_default_version(olga, runs, number=7)


def test_putting_in_force_what_is_in_force_changes_nothing(olga, runs):
    assert set_default_version(olga, runs, number=1).updated_at == runs.updated_at


@pytest.mark.parametrize(
    "change",
    [
        lambda olga, policy: update_policy(olga, policy, document=RUN),
        lambda olga, policy: set_default_version(olga, policy, number=1),
        lambda olga, policy: delete_policy(olga, policy, detach=True),
        lambda olga, policy: put_policy(olga, policy.name, document=RUN),
    ],
)
def test_what_comes_with_the_product_stays(olga, change):
    with pytest.raises(PolicyShipped):
        change(olga, Policy.objects.get(name="ReadOnlyAccess"))


def test_what_is_put_is_made_and_then_changed(olga):
    made = put_policy(olga, "runs", document=RUN)
    changed = put_policy(olga, "runs", document=LOOK)
    same = put_policy(olga, "runs", document=LOOK)

    assert [one.version for one in (made, changed, same)] == [1, 2, 2]


def test_open_pages_and_streams_hear_of_a_change(olga, bell, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        create_policy(olga, "runs", document=RUN)

    assert ["access"] in [said for _channel, said in bell.heard()]


# --- One's own permissions ---


def test_taking_permissions_from_oneself_has_to_be_meant(manager):
    own = Policy.objects.get(name="of-mona")
    less = document("ram:List*")

    with pytest.raises(NotConfirmed) as refusal:
        update_policy(manager.principal, own, document=less)
    policy = update_policy(manager.principal, own, document=less, confirmed=True)

    assert "create users" in refusal.value.message
    assert policy.version == 2
    assert not manager.principal.names("ram:CreateUser")


def test_going_back_to_less_has_to_be_meant(olga, manager):
    own = update_policy(olga, Policy.objects.get(name="of-mona"), document=document("ram:*"))
    own = update_policy(olga, own, document=document("ram:List*"))
    own = set_default_version(olga, own, number=2)

    with pytest.raises(NotConfirmed):
        set_default_version(manager.principal, own, number=3)

    assert set_default_version(manager.principal, own, number=3, confirmed=True).version == 3


def test_giving_oneself_as_much_or_more_needs_no_word(manager):
    own = Policy.objects.get(name="of-mona")

    assert update_policy(manager.principal, own, document=document(["ram:*", "ecs:*"])).version == 2


def test_a_policy_of_others_is_changed_without_a_word(manager, runs):
    assert update_policy(manager.principal, runs, document=LOOK).version == 2


# --- Delete ---


def test_an_unused_policy_is_deleted_with_its_versions(olga, runs):
    delete_policy(olga, runs)

    assert not PolicyVersion.objects.filter(policy__name="runs").exists()
    assert AuditEntry.objects.filter(action="ram:DeletePolicy", resource="runs").count() == 1


def test_an_attached_policy_is_deleted_only_with_its_attachments(olga, runs, reader):
    group, role = Group.objects.create(name="staff"), Role.objects.create(name="helper")
    for place in ({"user": reader}, {"group": group}, {"role": role}):
        attach_policy(olga, runs, **place)

    with pytest.raises(EntityInUse) as refusal:
        delete_policy(olga, runs)
    delete_policy(olga, runs, detach=True)

    assert all(name in refusal.value.message for name in ("rita", "staff", "helper"))
    assert not PolicyAttachment.objects.filter(policy__name="runs").exists()


def test_a_refusal_names_nobody_whom_one_may_not_see(olga, runs, reader, somebody):
    attach_policy(olga, runs, user=reader)
    deletes = {"Effect": "Allow", "Action": ["ram:DeletePolicy", "ram:ListPolicies"], "Resource": "*"}

    with pytest.raises(EntityInUse) as refusal:
        delete_policy(somebody("paul", deletes).principal, runs)

    assert "rita" not in refusal.value.message
    assert "1 place" in refusal.value.message


def test_who_may_not_detach_does_not_delete_what_is_attached(olga, runs, reader, somebody):
    attach_policy(olga, runs, user=reader)
    deletes = {"Effect": "Allow", "Action": "ram:DeletePolicy", "Resource": "*"}

    with pytest.raises(NotAllowed):
        delete_policy(somebody("paul", deletes).principal, runs, detach=True)

    assert Policy.objects.filter(name="runs").exists()


# --- Pages ---


def page(client, name, *arguments, **query):
    response = client.get(reverse(f"access:{name}", args=arguments), query)
    return response.status_code, response.content.decode()


def test_the_list_shows_use_and_is_searched(as_operator, olga, runs, reader):
    attach_policy(olga, runs, user=reader)

    _status, everything = page(as_operator, "policy_list")
    _status, found = page(as_operator, "policy_list", q="run", kind="Custom")
    _status, nothing = page(as_operator, "policy_list", q="no such thing")

    assert "AdministratorAccess" in everything
    assert "runs" in found
    assert "AdministratorAccess" not in found
    assert "No policy matches" in nothing


def test_a_policy_is_explained_statement_by_statement(as_operator, olga, reader):
    condition = {"StringEquals": {"ecs:CommandRunAz": "user01"}}
    policy = create_policy(olga, "odd", document=document(Condition=condition))
    attach_policy(olga, policy, user=reader)

    status, content = page(as_operator, "policy_detail", "odd")

    assert status == 200
    assert "May run commands on anything" in content
    assert "is ecs:CommandRunAs meant?" in content
    assert "rita" in content


def test_an_earlier_version_is_shown_as_such(as_operator, olga, runs):
    update_policy(olga, runs, document=LOOK)

    _status, earlier = page(as_operator, "policy_detail", "runs", version=1)
    missing, _content = page(as_operator, "policy_detail", "runs", version="99")
    nonsense, _content = page(as_operator, "policy_detail", "runs", version="x" * 40)

    assert "This is version 1. In force is version 2." in earlier
    assert "May run commands" in earlier
    assert (missing, nonsense) == (404, 404)


def test_two_versions_are_compared(as_operator, olga, runs):
    update_policy(olga, runs, document=LOOK)
    update_policy(olga, runs, document=json.dumps(json.loads(LOOK)))

    _status, content = page(as_operator, "policy_compare", "runs", old=1, new=2)
    _status, layout = page(as_operator, "policy_compare", "runs", old=2, new=3)

    assert "-       &quot;Action&quot;: &quot;ecs:RunCommand&quot;" in content
    assert "+       &quot;Action&quot;: &quot;ecs:Describe*&quot;" in content
    assert "at most the layout differs" in layout


def test_a_policy_is_created_from_an_example(as_operator):
    _status, form = page(as_operator, "policy_create", start="run-as")

    answer = as_operator.post(
        reverse("access:policy_create"), {"name": "runs", "description": "", "document": RUN}
    )

    assert "ecs:CommandRunAs" in form
    assert "only as user01 or user02" in form
    assert (answer.status_code, answer["Location"]) == (302, "/console/access/policies/runs/")


@pytest.mark.parametrize("word", ["read-only", "run-as", "region", "tag"])
def test_every_example_says_something_without_a_warning(as_operator, word):
    _status, form = page(as_operator, "policy_create", start=word)

    assert "May " in form
    assert "statement-caution" not in form


def test_a_copy_begins_with_what_it_copies(as_operator):
    _status, form = page(as_operator, "policy_create", copy="AliyunECSAssistantReadonlyAccess")

    assert "AliyunECSAssistantReadonlyAccess-copy" in form
    assert "ecs:DescribeInvocation*" in form


def test_a_refused_document_stays_in_the_form_with_its_fault(as_operator):
    wrong = document(resource=["*", "x"])

    answer = as_operator.post(reverse("access:policy_create"), {"name": "runs", "document": wrong})

    content = answer.content.decode()
    assert answer.status_code == 422
    assert "Statement[0].Resource[1]" in content
    assert 'data-fault-line="9"' in content
    assert "&quot;Action&quot;: &quot;ecs:RunCommand&quot;" in content


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (RUN, "May run commands on anything."),
        ('{"Version": "1",\n}', 'data-fault-line="2"'),
        ("", "Type a document"),
        (document("ecs:Nothing"), "names nothing that this console does"),
    ],
)
def test_a_document_is_explained_while_it_is_typed(as_operator, typed, said):
    answer = as_operator.post(reverse("access:policy_explain"), {"document": typed})

    assert answer.status_code == 200
    assert said in answer.content.decode()
    assert "<html" not in answer.content.decode()


def test_the_page_asks_before_it_takes_something_from_its_user(manager):
    address = reverse("access:policy_update", args=["of-mona"])
    words = {"document": document(["ram:List*", "ram:CreatePolicyVersion"]), "description": ""}

    asked = manager.client.post(address, words)
    done = manager.client.post(address, {**words, "confirmed": "1"})

    assert "you yourself lose permissions" in asked.content.decode()
    assert done.status_code == 302
    assert Policy.objects.get(name="of-mona").version == 2


def test_a_version_is_put_in_force_on_its_page(as_operator, olga, runs):
    update_policy(olga, runs, document=LOOK)
    address = reverse("access:policy_set_version", args=["runs", 1])

    panel = as_operator.get(address).content.decode()
    answer = as_operator.post(address)

    assert "ecs:RunCommand" in panel
    assert answer.status_code == 302
    assert Policy.objects.get(name="runs").version == 1


def test_the_page_says_who_loses_by_a_deletion_and_deletes_when_that_is_meant(
    as_operator, olga, runs, reader
):
    attach_policy(olga, runs, user=reader)
    address = reverse("access:policy_delete", args=["runs"])

    panel = as_operator.get(address).content.decode()
    refused = as_operator.post(address)
    done = as_operator.post(address, {"detach": "1"})

    assert "rita" in panel
    assert (refused.status_code, done.status_code) == (409, 302)
    assert not Policy.objects.filter(name="runs").exists()


def test_a_policy_is_attached_on_its_page(as_operator, runs, reader):
    Group.objects.create(name="staff")
    address = reverse("access:policy_attach", args=["runs"])

    by_name = [
        as_operator.post(address, {"kind": kind, "name": name}).status_code
        for kind, name in [("user", "rita"), ("group", "staff"), ("role", "nobody")]
    ]

    assert by_name == [302, 302, 422]
    assert runs.attachments.count() == 2


def test_the_reader_sees_no_policies_and_is_told_so(as_reader):
    status, content = page(as_reader, "policy_list")

    assert status == 403
    assert "ram:ListPolicies" in content


def test_who_sees_one_policy_sees_no_other(somebody, runs):
    looks = {"Effect": "Allow", "Action": "ram:ListPolicies", "Resource": "acs:ram:*:*:policy/runs"}
    client = somebody("paul", looks).client

    _status, content = page(client, "policy_list")
    seen, detail = page(client, "policy_detail", "runs")
    hidden, _content = page(client, "policy_detail", "AdministratorAccess")

    assert "runs" in content
    assert "AdministratorAccess" not in content
    assert (seen, hidden) == (200, 404)
    assert "You need ram:DeletePolicy" in detail


@pytest.mark.parametrize("size", [1, 60])
@pytest.mark.parametrize(
    ("name", "most"), [("policy_list", 5), ("policy_detail", 9), ("policy_compare", 7), ("policy_update", 5)]
)
def test_the_number_of_queries_does_not_grow(
    name, most, size, as_operator, olga, runs, django_assert_max_num_queries
):
    for number in range(size):
        user = User.objects.create_user(f"user-{number}")
        PolicyAttachment.objects.create(policy=runs, user=user, created_by="olga")
        create_policy(olga, f"policy-{number}", document=RUN)
    arguments = [] if name == "policy_list" else ["runs"]
    address = reverse(f"access:{name}", args=arguments)

    with django_assert_max_num_queries(most):
        as_operator.get(address)


# --- Commands ---


def said(*words):
    out = StringIO()
    call_command(*words, "--as", "olga", "--json", stdout=out)
    return json.loads(out.getvalue())


def refused(*words):
    err = StringIO()
    with pytest.raises(SystemExit) as end:
        call_command(*words, "--as", "olga", stderr=err, stdout=StringIO())
    assert end.value.code == 1
    return err.getvalue().strip()


def written(folder, content, name="policy.json"):
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return str(path)


BODY = json.loads(RUN)


@pytest.mark.parametrize(
    ("content", "words", "name"),
    [
        ({"name": "runs", "document": BODY, "description": "Runs"}, (), "runs"),
        ({"name": "runs", "document": RUN}, (), "runs"),
        ({"PolicyName": "runs", "PolicyDocument": RUN, "Description": "Runs"}, (), "runs"),
        ({"document": BODY}, ("--name", "mine"), "mine"),
        (BODY, (), "policy"),
        (BODY, ("--name", "mine"), "mine"),
    ],
)
def test_a_policy_is_put_from_a_file(operator, tmp_path, content, words, name):
    answer = said("put_policy", written(tmp_path, content), *words)
    again = said("put_policy", written(tmp_path, content), *words)

    assert (answer["PolicyName"], answer["DefaultVersion"]) == (name, "v1")
    assert again["DefaultVersion"] == "v1"
    assert Policy.objects.filter(name=name, kind="Custom").exists()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "Line 1"),
        ("[]", "object in braces"),
        ({"name": "runs", "document": BODY, "path": "/"}, "path"),
        ({"name": 7, "document": BODY}, "name is a text"),
        ({"name": "a b", "document": BODY}, "letters, digits"),
        ({"name": "runs", "document": {"Version": "2"}}, "Version"),
        ({"name": "runs", "document": 7}, "braces"),
        ({"name": "ReadOnlyAccess", "document": BODY}, "comes with the product"),
        (b"\xff\xfe".decode("latin-1"), "Line 1"),
    ],
)
def test_a_file_that_is_no_policy_is_refused_in_a_sentence(operator, tmp_path, content, reason):
    sentence = refused("put_policy", written(tmp_path, content))

    assert reason in sentence
    assert len(sentence.splitlines()) == 1


def test_a_file_that_is_not_there_or_no_text_is_refused(operator, tmp_path):
    (tmp_path / "binary").write_bytes(b"\xff\x00")

    assert "No such file" in refused("put_policy", str(tmp_path / "nothing"))
    assert "UTF-8" in refused("put_policy", str(tmp_path / "binary"))


def test_policies_are_listed_with_their_use(operator, olga, runs, reader):
    attach_policy(olga, runs, user=reader)

    rows = {row["PolicyName"]: row for row in said("list_policies")}

    assert rows["runs"]["AttachmentCount"] == 1
    assert rows["AdministratorAccess"]["PolicyType"] == "System"


CASES = json.loads(
    (__import__("pathlib").Path(__file__).parents[1] / "data/ram_policy_cases.json").read_text()
)
VALIDATE = [case for case in CASES if case["kind"] == "validate"]


@pytest.mark.parametrize("case", VALIDATE, ids=lambda case: case["id"])
def test_every_case_of_saving(case, operator, tmp_path):
    file = written(tmp_path, {"name": "case", "document": case["policy"]})

    if case["expect"] == "valid":
        assert said("put_policy", file)["PolicyName"] == "case"
    else:
        assert refused("put_policy", file)
    assert Policy.objects.filter(name="case").exists() is (case["expect"] == "valid")
