"""The programs' door as Django sees it, and the way on for browsers.

The web process answers programs without Django's request machinery (`openapi.calls`).
"""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.csrf import csrf_exempt

from openapi.calls import CONTENT_TYPE, is_call
from openapi.desk import answer
from openapi.requests import Request


@csrf_exempt
@login_not_required
def root(request: HttpRequest) -> HttpResponse:
    """`/` belongs to programs when they ask as programs do; a browser goes on to the console."""
    asked = request_of(request)
    if not is_call(asked):
        return redirect("console:overview")
    answered = answer(asked)
    return HttpResponse(
        answered.body, status=answered.status, headers=answered.headers, content_type=CONTENT_TYPE
    )


def request_of(request: HttpRequest) -> Request:
    return Request(
        method=request.method or "",
        query=request.META.get("QUERY_STRING", ""),
        headers={name.lower(): value for name, value in request.headers.items()},
        # Not `request.body`, which answers what is too large with a page.
        body=request.read(),
        content_type=request.META.get("CONTENT_TYPE", ""),
        source_ip=request.META.get("REMOTE_ADDR", ""),
        is_secure=request.is_secure(),
    )
