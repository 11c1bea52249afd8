"""Which actions are served: the table in docs/api.md."""

from openapi.actions.base import CMS, ECS, OOS
from openapi.actions.not_served import NOT_SERVED
from openapi.reference.described import by_group

BEGIN = "<!-- Written by `manage.py describe_api --coverage`. -->\n"
END = "<!-- End of what is written. -->\n"
PRODUCTS = {ECS: "servers and Cloud Assistant", OOS: "orchestration", CMS: "monitoring"}


def with_coverage(text: str) -> str:
    """The text with the table between its two marks made anew."""
    before, _begin, rest = text.partition(BEGIN)
    _old, _end, after = rest.partition(END)
    return f"{before}{BEGIN}\n{coverage()}\n\n{END}{after}"


def coverage() -> str:
    return "\n".join([*the_served(), *the_others()])


def the_served() -> list[str]:
    rows = [
        f"| `{action.name()}` | {group} | `{action.permission()}` | {action.doc} |"
        for group, actions in by_group().items()
        for action in actions
    ]
    head = ["| action | group | permission | what it does |", "| --- | --- | --- | --- |"]
    return [f"## Served: {len(rows)} actions", "", *head, *rows]


def the_others() -> list[str]:
    lines = []
    for version, names in NOT_SERVED.items():
        if names:
            listed = ", ".join(f"`{name}`" for name in sorted(names))
            lines += ["", f"## Known and not served: {version}, {PRODUCTS[version]}", "", f"{listed}."]
    return lines
