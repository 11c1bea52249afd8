from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.http import HttpRequest

from access.models import AuditEntry, User

admin.site.register(User, UserAdmin)


@admin.register(AuditEntry)
class AuditEntryAdmin(admin.ModelAdmin):
    list_display = ["at", "principal", "door", "source_ip", "action", "resource", "outcome"]
    list_filter = ["action", "outcome", "door"]
    search_fields = ["principal", "resource"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: AuditEntry | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: AuditEntry | None = None) -> bool:
        return False
