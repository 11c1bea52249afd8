import django_filters
from django.utils.translation import gettext_lazy as _

from access.models import Policy
from access.querysets import PolicyQuerySet
from console.kit.pagination import SEARCH_CHARACTERS


class PolicyFilter(django_filters.FilterSet):
    q = django_filters.CharFilter(
        max_length=SEARCH_CHARACTERS, method="by_text", label=_("Name or description")
    )
    kind = django_filters.ChoiceFilter(choices=Policy.Kind.choices, label=_("Type"), empty_label=_("Any"))

    class Meta:
        model = Policy
        fields: list[str] = []

    def by_text(self, policies: PolicyQuerySet, _name: str, value: str) -> PolicyQuerySet:
        return policies.search(value.strip())
