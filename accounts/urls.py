from django.urls import include, path

from . import views

urlpatterns = [
    path("profile/", views.profile, name="profile"),
    path("language/", views.choose_language, name="set-language"),
    path("", include("allauth.urls")),
]
