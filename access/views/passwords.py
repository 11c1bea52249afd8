"""What passwords must be like."""

from django.contrib import messages
from django.forms.models import model_to_dict
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from access.forms.account import PasswordPolicyForm
from access.models import PasswordPolicy
from access.operations.passwords import set_password_policy
from access.permissions import needs
from console.kit.errors import ConsoleError
from console.kit.http import ConsoleRequest, gone_to, panel, put_error


@needs("ram:GetPasswordPolicy")
@require_safe
def password_policy(request: ConsoleRequest) -> HttpResponse:
    return render(request, "access/password_policy.html", {"policy": PasswordPolicy.objects.current()})


@needs("ram:SetPasswordPolicy")
@require_http_methods(["GET", "HEAD", "POST"])
def password_policy_set(request: ConsoleRequest) -> HttpResponse:
    form = PasswordPolicyForm(request.POST or None, initial=model_to_dict(PasswordPolicy.objects.current()))
    if request.method == "POST" and form.is_valid():
        try:
            set_password_policy(request.principal, **form.cleaned_data)
        except ConsoleError as error:
            put_error(form, error)
        else:
            messages.success(request, _("From their next change on passwords follow these rules."))
            return gone_to(request, reverse("access:password_policy"))
    return panel(request, "access/password_policy_set.html", {"form": form})
