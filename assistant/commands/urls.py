from django.urls import path

from assistant.commands import views

app_name = "commands"

urlpatterns = [
    path("commands/", views.command_list, name="command_list"),
    path("commands/create/", views.command_create, name="command_create"),
    path("commands/definitions/", views.command_definitions, name="command_definitions"),
    path("commands/delete/", views.command_delete, name="command_delete"),
    path("commands/export/", views.command_export, name="command_export"),
    path("commands/import/", views.command_import, name="command_import"),
    path("commands/common/", views.common_list, name="common_list"),
    path("commands/common/<str:common_name>/", views.common_detail, name="common_detail"),
    path("commands/common/<str:common_name>/copy/", views.common_copy, name="common_copy"),
    path("commands/<str:command_id>/", views.command_detail, name="command_detail"),
    path("commands/<str:command_id>/clone/", views.command_clone, name="command_clone"),
    path("commands/<str:command_id>/rename/", views.command_rename, name="command_rename"),
]
