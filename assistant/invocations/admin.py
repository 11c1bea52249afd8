from typing import Any

from django.contrib import admin
from django.forms import ModelForm
from django.http import HttpRequest

from access.operations.calls import record
from assistant.instances.admin import ReadOnlyAdmin, principal_of
from assistant.invocations.forms import GuardForm
from assistant.invocations.models import Guard, Invocation
from assistant.invocations.rules.guard import DEFAULT_PATTERNS


@admin.register(Invocation)
class InvocationAdmin(ReadOnlyAdmin):
    list_display = ["id", "command", "status", "n_total", "created_by", "created_at", "finished_at"]
    list_filter = ["status", "region"]
    list_select_related = ["command", "created_by"]
    search_fields = ["id", "command__name"]
    raw_id_fields = ["command"]


@admin.register(Guard)
class GuardAdmin(admin.ModelAdmin):
    """One row, which begins with the defaults; without it they hold."""

    form = GuardForm
    # Each change is in the audit trail, so each is made on its own.
    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return not Guard.objects.exists() and super().has_add_permission(request)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"patterns": DEFAULT_PATTERNS}

    def save_model(self, request: HttpRequest, obj: Guard, form: ModelForm, change: bool) -> None:  # noqa: FBT001
        super().save_model(request, obj, form, change)
        patterns = obj.patterns.splitlines()
        principal = principal_of(request)
        facts: dict[str, Any] = {
            "percent": obj.percent,
            "least": obj.least,
            "asks_programs": obj.asks_programs,
        }
        record(principal, "ecs:ModifyRunGuard", **facts, patterns=patterns)

    def delete_model(self, request: HttpRequest, obj: Guard) -> None:
        super().delete_model(request, obj)
        record(principal_of(request), "ecs:DeleteRunGuard")
