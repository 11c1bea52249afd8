"""The programs' door. Its actions come later; until then it says so in the API's shape."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.views.decorators.csrf import csrf_exempt

from console.kit import ids


@csrf_exempt
@login_not_required
def root(request: HttpRequest) -> HttpResponse:
    """`/` belongs to programs when they ask as programs do; a browser goes on to the console."""
    return not_supported(request) if is_program(request) else redirect("console:overview")


def is_program(request: HttpRequest) -> bool:
    return (
        request.method == "POST"
        or "Action" in request.GET
        or "Signature" in request.GET
        or request.headers.get("Authorization", "").startswith("ACS3-")
        or any(name.lower().startswith("x-acs-") for name in request.headers)
    )


def not_supported(request: HttpRequest) -> JsonResponse:
    return JsonResponse(
        {
            "RequestId": ids.request_id(),
            "HostId": request.META.get("HTTP_HOST", ""),
            "Code": "RegionId.ApiNotSupported",
            "Message": "The API is not served by this version of the console yet.",
        },
        status=400,
    )
