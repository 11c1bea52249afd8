from django.contrib import admin
from django.forms import ModelForm
from django.http import HttpRequest

from access.operations.calls import record
from access.principals import Principal
from assistant.instances.models import Activation, Instance, Region


def principal_of(request: HttpRequest) -> Principal:
    principal: Principal = request.principal  # type: ignore[attr-defined]
    return principal


@admin.register(Region)
class RegionAdmin(admin.ModelAdmin):
    list_display = ["id", "name", "code"]
    # Each change is in the audit trail, so each is made on its own.
    actions = None

    def save_model(self, request: HttpRequest, obj: Region, form: ModelForm, change: bool) -> None:  # noqa: FBT001
        super().save_model(request, obj, form, change)
        action = "ecs:ModifyRegion" if change else "ecs:CreateRegion"
        record(principal_of(request), action, obj.pk, name=obj.name, code=obj.code)

    def delete_model(self, request: HttpRequest, obj: Region) -> None:
        region_id = obj.pk
        super().delete_model(request, obj)
        record(principal_of(request), "ecs:DeleteRegion", region_id)

    def get_readonly_fields(self, request: HttpRequest, obj: Region | None = None) -> list[str]:
        # Both are part of every identifier made in the region.
        return ["id", "code"] if obj else []


class ReadOnlyAdmin(admin.ModelAdmin):
    """Raw data for support. What support needs to do is an operation with a page."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        return False


@admin.register(Instance)
class InstanceAdmin(ReadOnlyAdmin):
    list_display = ["id", "name", "region", "os_version", "agent_version", "last_seen_at", "released_at"]
    list_filter = ["region", "os_type"]
    list_select_related = ["region"]
    search_fields = ["id", "name", "hostname", "machine_id"]
    exclude = ["public_key"]


@admin.register(Activation)
class ActivationAdmin(ReadOnlyAdmin):
    list_display = ["id", "instance_name", "registered_count", "instance_count", "expires_at", "disabled"]
    exclude = ["code_digest"]
