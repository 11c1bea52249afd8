import django_filters
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from access.models import User
from access.querysets import UserQuerySet
from console.kit.pagination import SEARCH_CHARACTERS


class GroupFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(max_length=SEARCH_CHARACTERS, method="by_text", label=_("Name"))

    class Meta:
        model = Group
        fields: list[str] = []

    def by_text(self, groups: "QuerySet[Group]", _name: str, value: str) -> "QuerySet[Group]":
        return groups.filter(name__icontains=value.strip())


class MemberFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(max_length=SEARCH_CHARACTERS, method="by_text", label=_("Name or e-mail"))

    class Meta:
        model = User
        fields: list[str] = []

    def by_text(self, users: UserQuerySet, _name: str, value: str) -> UserQuerySet:
        return users.search(value.strip())
