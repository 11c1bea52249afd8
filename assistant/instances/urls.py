from django.urls import path

from assistant.instances import views

app_name = "instances"

instances = [
    path("instances/", views.instance_list, name="instance_list"),
    path("instances/tag/", views.instance_tag, name="instance_tag"),
    path("instances/<str:instance_id>/", views.instance_detail, name="instance_detail"),
    path("instances/<str:instance_id>/rename/", views.instance_rename, name="instance_rename"),
    path("instances/<str:instance_id>/untag/", views.instance_untag, name="instance_untag"),
    path("instances/<str:instance_id>/deregister/", views.instance_deregister, name="instance_deregister"),
]

activations = [
    path("activations/", views.activation_list, name="activation_list"),
    path("activations/create/", views.activation_create, name="activation_create"),
    path("activations/<str:activation_id>/arrivals/", views.activation_arrivals, name="activation_arrivals"),
    path("activations/<str:activation_id>/disable/", views.activation_disable, name="activation_disable"),
    path("activations/<str:activation_id>/delete/", views.activation_delete, name="activation_delete"),
]

selections = [
    path("selections/", views.selection_list, name="selection_list"),
    path("selections/create/", views.selection_create, name="selection_create"),
    path("selections/<int:selection_id>/change/", views.selection_modify, name="selection_modify"),
    path("selections/<int:selection_id>/delete/", views.selection_delete, name="selection_delete"),
]

urlpatterns = instances + activations + selections
