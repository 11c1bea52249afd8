from django.urls import path

from assistant.exports import views

app_name = "exports"

urlpatterns = [
    path("exports/", views.export_list, name="export_list"),
    path("exports/<str:export_id>/", views.export_detail, name="export_detail"),
    path("exports/<str:export_id>/download/", views.export_download, name="export_download"),
    path("exports/<str:export_id>/delete/", views.export_delete, name="export_delete"),
    path("invocations/<str:invocation_id>/export/", views.export_create, name="export_create"),
]
