"""The page of webhooks."""

from django import forms
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from access.permissions import needs
from console.kit.errors import ConsoleError
from console.kit.http import ConsoleRequest, gone_to, panel, put_error
from openapi.models import ChangeKind, Webhook
from openapi.webhooks import create_webhook, delete_webhook, switch_webhook

LIST = "api:webhook_list"


class WebhookForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=64)
    url = forms.CharField(
        label=_("Address"), max_length=500, help_text=_("It is called by POST, with JSON: https://…")
    )
    kinds = forms.MultipleChoiceField(
        label=_("Tells of"),
        choices=[(kind.value, kind.label) for kind in ChangeKind],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None: of all of them."),
    )


@needs("ecs:DescribeInvocations")
@require_safe
def webhook_list(request: ConsoleRequest) -> HttpResponse:
    return render(request, "openapi/webhooks.html", {"webhooks": Webhook.objects.select_related("user")})


@needs("ecs:CreateWebhook")
@require_http_methods(["GET", "HEAD", "POST"])
def webhook_create(request: ConsoleRequest) -> HttpResponse:
    form = WebhookForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            new = create_webhook(request.principal, **form.cleaned_data)
        except ConsoleError as error:
            put_error(form, error)
        else:
            context = {"webhook": new.webhook, "secret": new.secret}
            response = panel(request, "openapi/webhook_created.html", context)
            # The page holds the secret: no cache keeps it, and going back does not show it again.
            response["Cache-Control"] = "no-store"
            return response
    return panel(request, "openapi/webhook_create.html", {"form": form})


@needs("ecs:ModifyWebhook")
@require_POST
def webhook_switch(request: ConsoleRequest, webhook_id: int) -> HttpResponse:
    webhook = get_object_or_404(Webhook, pk=webhook_id)
    switch_webhook(request.principal, webhook, enabled="enabled" in request.POST)
    return gone_to(request, reverse(LIST))


@needs("ecs:DeleteWebhook")
@require_POST
def webhook_delete(request: ConsoleRequest, webhook_id: int) -> HttpResponse:
    delete_webhook(request.principal, get_object_or_404(Webhook, pk=webhook_id))
    return gone_to(request, reverse(LIST))
