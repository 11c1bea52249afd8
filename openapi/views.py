"""The programs' door, at `/` of both listeners."""

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.csrf import csrf_exempt

from console.kit import ids
from openapi.desk import Answer, answer, refused
from openapi.errors import Malformed
from openapi.requests import Request

CONTENT_TYPE = "application/json;charset=utf-8"


@csrf_exempt
@login_not_required
def root(request: HttpRequest) -> HttpResponse:
    """`/` belongs to programs when they ask as programs do; a browser goes on to the console."""
    if not is_program(request):
        return redirect("console:overview")
    answered = answered_to(request)
    return HttpResponse(
        answered.body, status=answered.status, headers=answered.headers, content_type=CONTENT_TYPE
    )


def answered_to(request: HttpRequest) -> Answer:
    try:
        return answer(request_of(request))
    except RequestDataTooBig:
        too_large = Malformed("The body is larger than a call can be.")
        return refused(ids.request_id(), too_large, host=request.headers.get("Host", ""))


def is_program(request: HttpRequest) -> bool:
    query = request.META.get("QUERY_STRING", "")
    return (
        request.method not in ("GET", "HEAD")
        or "Action=" in query
        or "Signature=" in query
        or request.headers.get("Authorization", "").startswith("ACS3-")
        or any(name.lower().startswith("x-acs-") for name in request.headers)
    )


def request_of(request: HttpRequest) -> Request:
    return Request(
        method=request.method or "",
        query=request.META.get("QUERY_STRING", ""),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=request.body,
        content_type=request.META.get("CONTENT_TYPE", ""),
        source_ip=request.META.get("REMOTE_ADDR", ""),
        is_secure=request.is_secure(),
    )
