"""Addresses of the pages of solve jobs; those of the Luna SDK are in luna.urls."""

from django.urls import path

from . import views

PAGES = "o/<slug:organization>/jobs/solve"

urlpatterns = [
    path(PAGES, views.my_solve_jobs, name="solve-jobs"),
    path(f"{PAGES}/everybody", views.everybodys_solve_jobs, name="everybodys-solve-jobs"),
    path(f"{PAGES}/of/<int:problem_id>", views.solve_job_of_line, name="solve-job-of-line"),
    path(f"{PAGES}/<int:job_id>", views.solve_job, name="solve-job"),
    path(f"{PAGES}/<int:job_id>/solution", views.download_solution, name="download-solution"),
    path(f"{PAGES}/<int:job_id>/model", views.download_model, name="download-model"),
    path(f"{PAGES}/<int:job_id>/cancel", views.cancel_solve_job, name="cancel-solve-job"),
    path(f"{PAGES}/<int:job_id>/delete", views.delete_solve_job, name="delete-solve-job"),
]
