"""The site map. Agents (`/luban/`) and event streams (`/console/live`) never come here: see asgi.py."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from access.urls import account as account_urls
from access.views import account, signing_in
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
    path("console/access/", include("access.urls")),
    path("console/", include("assistant.instances.urls")),
    path("console/", include("assistant.commands.urls")),
    path("console/", include("assistant.invocations.urls")),
    path("console/", include("assistant.exports.urls")),
    path("console/api/", include("openapi.urls")),
    path("console/sign-in/", signing_in.sign_in, name="sign_in"),
    path("console/sign-in/number/", signing_in.sign_in_number, name="sign_in_number"),
    path("console/sign-out/", signing_in.sign_out, name="sign_out"),
    path("console/password/", account.password, name="password"),
    path("console/account/", include((account_urls, "account"))),
    # The admin site's own pages for this would leave out second factors and the audit trail.
    path("admin/login/", signing_in.admin_sign_in),
    path("admin/password_change/", RedirectView.as_view(pattern_name="password")),
    path("admin/", admin.site.urls),
]

handler400 = "console.views.bad_request"
handler404 = "console.views.not_found"
handler500 = "console.views.server_error"
