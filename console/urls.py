"""The site map. Agents (`/luban/`) and event streams (`/console/live`) never come here: see asgi.py."""

from django.contrib import admin
from django.urls import include, path

from assistant.instances import views as instance_views
from console import views
from openapi.views import root

console_urls = [
    path("", views.overview, name="overview"),
    path("search/", views.search, name="search"),
]

urlpatterns = [
    path("", root, name="root"),
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    path("agent/ca.pem", instance_views.download_ca, name="download_ca"),
    path("agent/install.sh", instance_views.download_installer, name="download_installer"),
    path("agent/agent.pyz", instance_views.download_agent, name="download_agent"),
    path("console/", include((console_urls, "console"))),
    path("console/", include("assistant.instances.urls")),
    path("console/", include("assistant.invocations.urls")),
    path("console/sign-in/", views.SignIn.as_view(), name="sign_in"),
    path("console/sign-out/", views.SignOut.as_view(), name="sign_out"),
    path("console/password/", views.PasswordChange.as_view(), name="password"),
    path("admin/", admin.site.urls),
]

handler400 = "console.views.bad_request"
handler404 = "console.views.not_found"
handler500 = "console.views.server_error"
