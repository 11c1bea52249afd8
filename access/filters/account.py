import django_filters
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from access.models import Role
from access.querysets import RoleQuerySet
from console.kit.pagination import SEARCH_CHARACTERS


class AssumableRoleFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(
        max_length=SEARCH_CHARACTERS, method="by_text", label=_("Name or description")
    )

    class Meta:
        model = Role
        fields: list[str] = []

    def by_text(self, roles: RoleQuerySet, _name: str, value: str) -> RoleQuerySet:
        return roles.filter(Q(name__icontains=value.strip()) | Q(description__icontains=value.strip()))
