from django.urls import path

from assistant.commands import views

app_name = "commands"

urlpatterns = [
    path("commands/", views.command_list, name="command_list"),
    path("commands/create/", views.command_create, name="command_create"),
    path("commands/delete/", views.command_delete, name="command_delete"),
    path("commands/<str:command_id>/", views.command_detail, name="command_detail"),
    path("commands/<str:command_id>/clone/", views.command_clone, name="command_clone"),
    path("commands/<str:command_id>/rename/", views.command_rename, name="command_rename"),
]
