from django.conf import settings
from django.conf.urls.static import static
from django.contrib import admin
from django.urls import include, path

from . import health, probes

urlpatterns = [
    path("", include("catalogue.urls")),
    path("admin/", admin.site.urls),
    path("health/", health.health, name="health"),
    path("whoami/", probes.whoami, name="whoami"),
    path("cpu/", probes.cpu, name="cpu"),
    path("slow-upstream/", probes.slow_upstream, name="slow-upstream"),
    path("echo/", probes.echo, name="echo"),
    path("download/", probes.download, name="download"),
    # Covers during development; in production the proxy serves them and this list is empty.
    *static(settings.MEDIA_URL, document_root=settings.MEDIA_ROOT),
]
