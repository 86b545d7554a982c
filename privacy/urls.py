"""Addresses of the pages about one's own data, below /accounts/."""

from django.urls import path

from . import views

urlpatterns = [
    path("data/", views.download_data, name="download-my-data"),
    path("delete/", views.delete_account, name="delete-account"),
]
