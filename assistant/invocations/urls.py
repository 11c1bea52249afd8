from django.urls import path

from assistant.invocations import views

app_name = "invocations"

run = [
    path("run/", views.run, name="run"),
    path("run/targets/", views.run_targets, name="run_targets"),
    path("run/parameters/", views.run_parameters, name="run_parameters"),
    path("run/preview/", views.run_preview, name="run_preview"),
]

results = [
    path("invocations/", views.invocation_list, name="invocation_list"),
    path("invocations/<str:invocation_id>/", views.invocation_detail, name="invocation_detail"),
    path("invocations/<str:invocation_id>/stop/", views.invocation_stop, name="invocation_stop"),
    path("invocations/<str:invocation_id>/again/", views.invocation_run_again, name="invocation_run_again"),
    path(
        "invocations/<str:invocation_id>/again/failed/",
        views.invocation_run_again_failed,
        name="invocation_run_again_failed",
    ),
    path(
        "invocations/<str:invocation_id>/instances/<str:instance_id>/",
        views.target_detail,
        name="target_detail",
    ),
    path(
        "invocations/<str:invocation_id>/instances/<str:instance_id>/output/",
        views.target_output,
        name="target_output",
    ),
    path(
        "invocations/<str:invocation_id>/instances/<str:instance_id>/compare/",
        views.target_compare,
        name="target_compare",
    ),
]

urlpatterns = run + results
