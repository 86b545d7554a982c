"""Every address of the portal."""

from django.contrib import admin
from django.urls import include, path

import gateway.urls
import luna.urls
import organizations.urls
import quotas.urls
import tokens.urls

from . import scraping, views

rest_api = [
    *luna.urls.urlpatterns,
    *luna.urls.solve_urlpatterns,
    *organizations.urls.api_urlpatterns,
    *tokens.urls.api_urlpatterns,
    *quotas.urls.api_urlpatterns,
    *gateway.urls.api_urlpatterns,
    path("schema", views.schema, name="api-schema"),
    path("docs", views.api_docs, name="api-docs"),
]

urlpatterns = [
    # Where LunaSolve and LunaQ look for the API, below LUNA_BASE_URL; with LUNA_DISABLE_SUFFIX they look in /api/v1.
    # First, because programs ask all the time, and each address before theirs is compared.
    path("luna-solve/api/v1/", include([*luna.urls.urlpatterns, *luna.urls.solve_urlpatterns])),
    path("luna-q/api/v1/", include([*luna.urls.urlpatterns, *luna.urls.circuit_urlpatterns])),
    path("api/v1/", include(rest_api)),
    path("", include("organizations.urls")),
    path("", include("tokens.urls")),
    path("", include("quotas.urls")),
    path("", include("gateway.urls")),
    path("", include("solving.urls")),
    path("accounts/", include("privacy.urls")),
    path("accounts/", include("accounts.urls")),
    path("admin/", admin.site.urls),
    path("livez", views.livez),
    path("readyz", views.readyz),
    path("metrics", scraping.metrics),
]

handler400 = views.bad_request
handler403 = views.permission_denied
handler404 = views.page_not_found
handler500 = views.server_error
