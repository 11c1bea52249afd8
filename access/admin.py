"""Support's door: everything to look at, with the way to the page where it is changed.

Only quotas are changed here, by their operations: a change that goes past those asks nobody and is in no
audit trail.
"""

from axes.admin import AccessAttemptAdmin, AccessFailureLogAdmin, AccessLogAdmin
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from access.forms.quotas import QuotaValueForm
from access.models import AuditEntry, Policy, PolicyAttachment, Quota, Role, User
from access.operations.quotas import reset_quota, set_quota
from access.principals import Principal
from access.rules.quotas import BY_NAME


class LookOnly(admin.ModelAdmin):
    """No one adds, changes or deletes anything, whoever they are."""

    view_on_site = False
    list_per_page = 50

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    @admin.display(description=_("in the console"))
    def page(self, row: User | Group | Role | Policy) -> SafeString:
        return link_to(row)


def link_to(row: User | Group | Role | Policy) -> SafeString:
    if isinstance(row, Group):
        address = reverse("access:group_detail", args=[row.name])
    else:
        address = row.get_absolute_url()
    return format_html('<a href="{}">{}</a>', address, row)


admin.site.unregister(Group)
admin.site.unregister([AccessAttempt, AccessFailureLog, AccessLog])


@admin.register(AccessAttempt)
class AttemptAdmin(LookOnly, AccessAttemptAdmin):
    """Wrong passwords. They are forgotten by themselves, or by the command `axes_reset`."""


@admin.register(AccessFailureLog)
class FailureAdmin(LookOnly, AccessFailureLogAdmin):
    pass


@admin.register(AccessLog)
class SignInAdmin(LookOnly, AccessLogAdmin):
    pass


@admin.register(User)
class UserAdmin(LookOnly):
    list_display = [
        "username",
        "page",
        "display_name",
        "is_superuser",
        "console_access",
        "api_access",
        "is_active",
        "last_login",
    ]
    list_filter = ["is_superuser", "console_access", "api_access", "is_active"]
    search_fields = ["username", "display_name", "email"]
    ordering = ["username"]
    # Not even the hash; and permissions are policies here, never Django's.
    exclude = ["password", "user_permissions"]
    readonly_fields = ["page"]


@admin.register(Group)
class GroupAdmin(LookOnly):
    list_display = ["name", "page"]
    search_fields = ["name"]
    ordering = ["name"]
    fields = ["name", "page"]
    readonly_fields = ["page"]


@admin.register(Role)
class RoleAdmin(LookOnly):
    list_display = ["name", "description", "max_session", "page"]
    search_fields = ["name", "description"]
    readonly_fields = ["page"]


@admin.register(Policy)
class PolicyAdmin(LookOnly):
    list_display = ["name", "kind", "version", "description", "page"]
    list_filter = ["kind"]
    search_fields = ["name", "description"]
    readonly_fields = ["page"]


@admin.register(PolicyAttachment)
class PolicyAttachmentAdmin(LookOnly):
    list_display = ["policy", "attached_to", "created_at", "created_by"]
    list_select_related = ["policy", "user", "group", "role"]
    search_fields = ["policy__name", "user__username", "group__name", "role__name"]
    ordering = ["policy__name"]
    readonly_fields = ["attached_to"]

    @admin.display(description=_("attached to"))
    def attached_to(self, attachment: PolicyAttachment) -> SafeString | str:
        row = attachment.user or attachment.group or attachment.role
        return link_to(row) if row else ""


@admin.register(AuditEntry)
class AuditEntryAdmin(LookOnly):
    list_display = ["at", "principal", "door", "source_ip", "action", "resource", "outcome"]
    list_filter = ["outcome", "door"]
    # Whole words, which have indexes: the page of the audit trail finds parts as well.
    search_fields = ["=principal", "=action", "=resource"]
    search_help_text = _("Who, action or resource, the whole word")
    show_full_result_count = False


@admin.register(Quota)
class QuotaAdmin(admin.ModelAdmin):
    """The one table that is changed here, by the operations of its page."""

    form = QuotaValueForm
    list_display = ["name", "region_id", "value"]
    list_filter = ["name"]
    search_fields = ["region_id"]

    def get_readonly_fields(self, request: HttpRequest, obj: Quota | None = None) -> list[str]:
        return ["name", "region_id"] if obj else []

    def save_model(self, request: HttpRequest, obj: Quota, form: object, change: bool) -> None:  # noqa: FBT001
        obj.pk = set_quota(principal_of(request), BY_NAME[obj.name], obj.region_id, obj.value).pk

    def delete_model(self, request: HttpRequest, obj: Quota) -> None:
        reset_quota(principal_of(request), BY_NAME[obj.name], obj.region_id)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Quota]) -> None:
        for quota in queryset:
            self.delete_model(request, quota)


def principal_of(request: HttpRequest) -> Principal:
    principal: Principal = request.principal  # type: ignore[attr-defined]
    return principal
