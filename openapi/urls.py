"""The reference of the API in the console; its own address is `/`."""

from django.urls import path

from openapi import webhook_views
from openapi.reference import views

app_name = "api"

urlpatterns = [
    path("", views.action_list, name="action_list"),
    path("openapi.json", views.document, name="document"),
    path("webhooks/", webhook_views.webhook_list, name="webhook_list"),
    path("webhooks/create/", webhook_views.webhook_create, name="webhook_create"),
    path("webhooks/<int:webhook_id>/switch/", webhook_views.webhook_switch, name="webhook_switch"),
    path("webhooks/<int:webhook_id>/delete/", webhook_views.webhook_delete, name="webhook_delete"),
    path("<str:version>/<str:action_name>/", views.action_detail, name="action_detail"),
    path("<str:version>/<str:action_name>/try/", views.action_try, name="action_try"),
]
