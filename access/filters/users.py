import django_filters
from django.utils.translation import gettext_lazy as _

from access.models import User
from access.querysets import UserQuerySet
from console.kit.pagination import SEARCH_CHARACTERS

KINDS = {
    "administrator": (_("Administrators"), {"is_superuser": True}),
    "console": (_("May use the console"), {"console_access": True, "is_active": True}),
    "api": (_("May use the API"), {"api_access": True, "is_active": True}),
    "disabled": (_("Disabled"), {"is_active": False}),
}


class UserFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(max_length=SEARCH_CHARACTERS, method="by_text", label=_("Name or e-mail"))
    kind = django_filters.ChoiceFilter(
        method="by_kind",
        choices=[(kind, label) for kind, (label, _values) in KINDS.items()],
        label=_("Kind"),
        empty_label=_("All users"),
    )

    class Meta:
        model = User
        fields: list[str] = []

    def by_text(self, users: UserQuerySet, _name: str, value: str) -> UserQuerySet:
        return users.search(value.strip())

    def by_kind(self, users: UserQuerySet, _name: str, value: str) -> UserQuerySet:
        return users.filter(**KINDS[value][1])
