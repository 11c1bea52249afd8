"""What a browser can send that no page of ours would."""

import pytest

from assistant.invocations.models import Invocation
from tests.instances.factories import InstanceFactory, RegionFactory
from tests.invocations.factories import ran

pytestmark = pytest.mark.django_db

RUN = {"language": "shell", "content": "true", "timeout": 60}


@pytest.mark.parametrize(
    "path",
    [
        "/console/instances/%00/",
        "/console/instances/?q=%00&page=x",
        "/console/invocations/%00/",
        "/console/invocations/?status=Nothing&page=-7",
        "/console/invocations/a/instances/%00/",
        "/console/activations/%00/arrivals/",
        "/console/run/?instance=%00",
        "/console/run/?region=nowhere&activation=%ff",
        "/console/search/?q=%00",
        "/console/search/?q=%ff%fe",
    ],
)
def test_an_address_that_makes_no_sense_is_no_defect(as_operator, path):
    assert as_operator.get(path).status_code < 500


def test_a_form_that_is_far_too_large_is_refused(as_operator):
    response = as_operator.post("/console/run/", {**RUN, "content": "x" * 3_000_000})

    assert response.status_code == 400
    assert not Invocation.objects.exists()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("content", ""),
        ("timeout", "soon"),
        ("timeout", "99999999"),
        ("language", "ruby"),
        ("content", "x" * 12289),
    ],
)
def test_an_invalid_form_is_shown_again_with_what_is_wrong(as_operator, field, value):
    instance = InstanceFactory()

    response = as_operator.post("/console/run/", {**RUN, "instance": instance.pk, field: value})

    assert response.status_code == 422
    assert b"data-invalid" in response.content
    assert not Invocation.objects.exists()


def test_nobody_who_was_ticked_is_left_out_without_a_word(as_operator):
    here = InstanceFactory()
    elsewhere = InstanceFactory(region=RegionFactory(id="eu-office", name="Office", code="eu"))

    response = as_operator.post("/console/run/", {**RUN, "instance": [here.pk, elsewhere.pk]})

    assert response.status_code == 422
    assert b"in another region" in response.content
    assert not Invocation.objects.exists()


@pytest.mark.parametrize("query", ["region=nowhere", "os_type=plan9", "activation=none"])
def test_a_filter_that_cannot_be_read_does_not_widen_the_choice(as_operator, query):
    InstanceFactory.create_batch(3)

    as_operator.post(f"/console/run/?{query}", {**RUN, "all": "1", **dict([query.split("=")])})

    assert not Invocation.objects.exists()


def test_the_run_form_keeps_the_filters_it_has_no_field_for(as_operator):
    InstanceFactory.create_batch(3)
    wanted = InstanceFactory()

    page = as_operator.get(f"/console/run/?all=1&activation={wanted.activation_id}").content.decode()
    as_operator.post("/console/run/", {**RUN, "all": "1", "activation": wanted.activation_id})

    assert f'name="activation" value="{wanted.activation_id}"' in page
    assert [target.instance_id for target in Invocation.objects.get().targets.all()] == [wanted.pk]


def test_who_was_chosen_beyond_the_list_of_the_stop_dialog_stays_chosen(as_operator, olga):
    instances = InstanceFactory.create_batch(60)
    invocation = ran(olga, *instances)

    page = as_operator.get(f"/console/invocations/{invocation.pk}/stop/?instance={instances[-1].pk}").content

    assert f'<input type="hidden" name="instance" value="{instances[-1].pk}">'.encode() in page


def test_a_fragment_of_somebody_who_was_signed_out_is_a_notice(as_nobody):
    response = as_nobody.get("/console/instances/", headers={"HX-Request": "true"})

    assert response.status_code == 403
    assert response["HX-Retarget"] == "#notices"
    assert b"signed out" in response.content


def test_a_queue_that_is_away_undoes_nothing(olga, settings, monkeypatch, django_capture_on_commit_callbacks):
    """More targets than are rung directly: the task cannot be queued, the sweep will ring."""
    from kombu.exceptions import OperationalError

    from assistant.invocations.tasks import ring_targets

    def away(*_arguments, **_options):
        raise OperationalError("nobody there")

    monkeypatch.setattr(ring_targets, "apply_async", away)
    instances = InstanceFactory.create_batch(51)

    with django_capture_on_commit_callbacks(execute=True):
        invocation = ran(olga, *instances)

    assert invocation.status == "Pending"
