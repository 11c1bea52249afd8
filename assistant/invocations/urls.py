from django.urls import path

from assistant.invocations.views import blackouts as views_of_blackouts
from assistant.invocations.views import records as views_of_records
from assistant.invocations.views import results as views_of_results
from assistant.invocations.views import rollouts as views_of_rollouts
from assistant.invocations.views import runs as views_of_runs
from assistant.invocations.views import searching as views_of_searching
from assistant.invocations.views import sending as views_of_sending

app_name = "invocations"

blackouts = [
    path("blackout-windows/", views_of_blackouts.blackout_list, name="blackout_list"),
    path("blackout-windows/create/", views_of_blackouts.blackout_create, name="blackout_create"),
    path("blackout-windows/<int:blackout_id>/", views_of_blackouts.blackout_modify, name="blackout_modify"),
    path(
        "blackout-windows/<int:blackout_id>/delete/",
        views_of_blackouts.blackout_delete,
        name="blackout_delete",
    ),
]

sending = [
    path("instances/<str:instance_id>/send/", views_of_sending.instance_send, name="instance_send"),
    path(
        "instances/<str:instance_id>/sent/<str:invocation_id>/",
        views_of_sending.instance_sent,
        name="instance_sent",
    ),
    path("results/errors/", views_of_sending.error_codes, name="error_codes"),
]

run = [
    path("run/", views_of_runs.run, name="run"),
    path("run/targets/", views_of_runs.run_targets, name="run_targets"),
    path("run/parameters/", views_of_runs.run_parameters, name="run_parameters"),
    path("run/plan/", views_of_runs.run_plan, name="run_plan"),
    path("run/zones/", views_of_runs.run_zones, name="run_zones"),
    path("run/preview/", views_of_runs.run_preview, name="run_preview"),
]

results = [
    path(
        "invocations/<str:invocation_id>/add/", views_of_records.invocation_modify, name="invocation_modify"
    ),
    path("results/search/", views_of_searching.output_search, name="output_search"),
    path("invocations/", views_of_results.invocation_list, name="invocation_list"),
    path("invocations/<str:invocation_id>/", views_of_results.invocation_detail, name="invocation_detail"),
    path("invocations/<str:invocation_id>/stop/", views_of_results.invocation_stop, name="invocation_stop"),
    path(
        "invocations/<str:invocation_id>/again/",
        views_of_results.invocation_run_again,
        name="invocation_run_again",
    ),
    path(
        "invocations/<str:invocation_id>/again/failed/",
        views_of_results.invocation_run_again_failed,
        name="invocation_run_again_failed",
    ),
    path(
        "invocations/<str:invocation_id>/rollout/confirm/",
        views_of_rollouts.rollout_confirm,
        name="rollout_confirm",
    ),
    path(
        "invocations/<str:invocation_id>/rollout/stop/", views_of_rollouts.rollout_stop, name="rollout_stop"
    ),
    path(
        "invocations/<str:invocation_id>/instances/<str:instance_id>/",
        views_of_results.target_detail,
        name="target_detail",
    ),
    path(
        "invocations/<str:invocation_id>/instances/<str:instance_id>/output/",
        views_of_results.target_output,
        name="target_output",
    ),
    path(
        "invocations/<str:invocation_id>/instances/<str:instance_id>/compare/",
        views_of_results.target_compare,
        name="target_compare",
    ),
    path(
        "invocations/<str:invocation_id>/instances/<str:instance_id>/runs/<int:number>/",
        views_of_records.record_detail,
        name="record_detail",
    ),
    path(
        "invocations/<str:invocation_id>/instances/<str:instance_id>/runs/<int:number>/output/",
        views_of_records.record_output,
        name="record_output",
    ),
    path(
        "invocations/<str:invocation_id>/instances/<str:instance_id>/runs/<int:number>/compare/",
        views_of_records.record_compare,
        name="record_compare",
    ),
]

urlpatterns = run + sending + results + blackouts
