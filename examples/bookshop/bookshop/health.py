"""Is this process fit to serve? The deployment asks before it sends anyone here."""

import logging

from catalogue.models import Book
from django.conf import settings
from django.db import DatabaseError
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

log = logging.getLogger(__name__)


@never_cache
@require_safe
def health(request: HttpRequest) -> JsonResponse:
    """Answer 200 when the database does, else 503.

    It asks for a real table: `SELECT 1` is also answered by a database that was never migrated.
    """
    try:
        Book.objects.exists()
    except DatabaseError:
        log.exception("health: the database does not answer")
        status, text = 503, "database unavailable"
    else:
        status, text = 200, "ok"
    return JsonResponse(
        {"status": text, "release": settings.RELEASE, "slot": settings.SLOT}, status=status
    )
