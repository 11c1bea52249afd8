from django.contrib import admin

from assistant.instances.admin import ReadOnlyAdmin
from assistant.invocations.models import Invocation


@admin.register(Invocation)
class InvocationAdmin(ReadOnlyAdmin):
    list_display = ["id", "command", "status", "n_total", "created_by", "created_at", "finished_at"]
    list_filter = ["status", "region"]
    list_select_related = ["command", "created_by"]
    search_fields = ["id", "command__name"]
    raw_id_fields = ["command"]
