"""Addresses of the Luna SDK, below each of its base addresses; no trailing slashes, for it must never be redirected."""

from django.urls import path

from tokens.models import SDK_SCOPES

from . import solving_views, views

# What LunaSolve and LunaQ clients share.
urlpatterns = [
    path("users/me", views.Me.as_view()),
    path("qpu-tokens", views.TokenList.as_view()),
    path("qpu-tokens/shared/quota/group/<token_name:name>", views.GroupQuota.as_view()),
    path("qpu-tokens/shared/quota/user/<token_name:name>/<email:email>", views.UserQuota.as_view()),
    *(
        path(f"qpu-tokens/{wire}{rest}", view.as_view(scope=scope))
        for wire, scope in SDK_SCOPES.items()
        for rest, view in (("", views.CreateToken), ("/<token_name:name>", views.TokenDetail))
    ),
]

solve_urlpatterns = [
    path("solvers/available", solving_views.Solvers.as_view()),
    path("providers/available", solving_views.Providers.as_view()),
    path("models", solving_views.UploadModel.as_view()),
    path("models/metadata", solving_views.Models.as_view()),
    path("models/metadata/<int:model_id>", solving_views.ModelMetadata.as_view()),
    path("models/data/<int:model_id>", solving_views.ModelData.as_view()),
    path("models/<int:model_id>", solving_views.DeleteModel.as_view()),
    path("solve-jobs", solving_views.SubmitJob.as_view()),
    path("solve-jobs/metadata", solving_views.Jobs.as_view()),
    path("solve-jobs/metadata/<int:job_id>", solving_views.JobMetadata.as_view()),
    path("solve-jobs/metadata/<int:job_id>/cancel", solving_views.CancelJob.as_view()),
    path("solve-jobs/data/<int:job_id>", solving_views.JobData.as_view()),
    path("solve-jobs/<int:job_id>", solving_views.DeleteJob.as_view()),
]

circuit_urlpatterns = [
    path("circuits", solving_views.SubmitCircuit.as_view()),
    path("circuits/<circuit_id>/<provider>", solving_views.ShowCircuit.as_view()),
]
