"""The people's door: which results say this?"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from access.permissions import needs
from assistant.invocations.forms import SearchForm
from assistant.invocations.operations.searching import Question, find_outputs, snippets_of
from console.kit.http import ConsoleRequest


@needs("ecs:DescribeInvocationResults")
@require_safe
@vary_on_headers("HX-Request")
def output_search(request: ConsoleRequest) -> HttpResponse:
    form = SearchForm(request.GET if request.GET.get("says") else None)
    context: dict[str, object] = {"form": form}
    if form.is_valid():
        asked = form.cleaned_data
        question = Question(asked["says"], asked["begin"], asked["end"], asked["command"].strip())
        hits = find_outputs(request.principal, question, before=asked["before"] or 0)
        context |= {"hits": hits, "question": question, "is_first": not asked["before"]}
        context |= {"first": address_of(request), "older": address_of(request, before=hits.older)}
    template = "invocations/_hits.html" if request.htmx else "invocations/search.html"
    return render(request, template, context, status=422 if form.errors else 200)


def add_snippets(runs: Any, terms: Sequence[str] | None) -> None:
    """Give each row what its output says around the words that were looked for."""
    if terms:
        snippets = snippets_of({run.output_key: run.stored_bytes for run in runs}, terms)
        for run in runs:
            run.snippet = snippets[run.output_key]


def address_of(request: ConsoleRequest, *, before: int = 0) -> str:
    """The same search from the newest result on, or from an older one."""
    pairs = [(name, value) for name, value in request.GET.items() if name != "before" and value]
    return f"{request.path}?{urlencode([*pairs, ('before', str(before))] if before else pairs)}"
