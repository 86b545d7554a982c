from django.contrib.auth.decorators import login_not_required
from django.urls import include, path
from django.views.i18n import set_language

from . import views

urlpatterns = [
    path("profile/", views.profile, name="profile"),
    path("language/", login_not_required(set_language), name="set-language"),
    path("", include("allauth.urls")),
]
