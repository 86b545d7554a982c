"""Models and solve jobs, for the Luna SDK. The API key says whose."""

from collections.abc import Mapping
from typing import IO, Any, NoReturn, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from organizations.access import MemberAPIView
from organizations.permissions import Permission
from solving import services
from solving.errors import NotOffered
from solving.models import SolveJob, UploadedModel
from solving.solvers import SOLVERS, find_solver

from .sdk import reads_timing
from .solving_serializers import (
    JobInSerializer,
    JobPageSerializer,
    JobSerializer,
    ModelPageSerializer,
    ModelSerializer,
    OneJobSerializer,
)

Row = TypeVar("Row", bound=Model)

BINARY = {(200, "application/octet-stream"): OpenApiTypes.BINARY}
READ, RUN = Permission.VIEW_OWN_USAGE, Permission.USE_TOKENS


class ModelParser(BaseParser):
    """The bytes of a model, whatever they say they are; no more of them than a model may have."""

    media_type = "*/*"

    def parse(  # type: ignore[override]  # any data will do, though the stubs say otherwise
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> bytes:
        data: bytes = stream.read(services.max_model_bytes() + 1)
        return data


class OwnRows(MemberAPIView):
    """Lists of the caller's own rows: newest first, and a part of them."""

    pagination_class = None

    def part_of(self, rows: QuerySet[Row]) -> QuerySet[Row]:
        page: Any = self.query_serializer_class(data=self.request.query_params)  # type: ignore[misc]
        page.is_valid(raise_exception=True)
        if since := page.since():
            rows = rows.filter(created_at__gte=since)
        offset = self.query["offset"]
        return rows.order_by("-pk")[offset : offset + self.query["limit"]]


class BytesResponse(HttpResponse):
    def __init__(self, data: bytes) -> None:
        super().__init__(data, content_type="application/octet-stream")


# --- Models -----------------------------------------------------------------------------------------------------------


class UploadModel(MemberAPIView):
    serializer_class = ModelSerializer
    parser_classes = [ModelParser]
    permissions = {"POST": RUN}

    @extend_schema(request={"application/octet-stream": OpenApiTypes.BINARY})
    def post(self, request: Request) -> Response:
        """Upload a model, as luna_model serializes it. The same bytes once more are the same model."""
        if int(request.META.get("CONTENT_LENGTH") or 0) > services.max_model_bytes():
            raise services.too_large()  # before any of it is read
        data = request.data if isinstance(request.data, bytes) else b""
        model = services.upload_model(data=data, by=self.membership, now=timezone.now())
        return Response(ModelSerializer(model).data, status=201)


class Models(OwnRows):
    """List my models, newest first."""

    serializer_class = ModelSerializer
    query_serializer_class = ModelPageSerializer
    permissions = {"GET": READ}

    @extend_schema(responses=ModelSerializer(many=True))
    def get(self, request: Request) -> Response:
        # Never a hit: luna_model 0.7 gives models that differ in an even number of signs the same hash, and on a hit
        # the SDK does not upload, so that the job would silently solve another model. Without one it uploads each time.
        if "model_hash" in self.query:
            return Response([])
        models = UploadedModel.objects.filter(membership=self.membership).select_related("membership__user")
        return Response(ModelSerializer(self.part_of(models), many=True).data)


class ModelMetadata(MemberAPIView):
    """Show one of my models."""

    serializer_class = ModelSerializer
    permissions = {"GET": READ}

    def get(self, request: Request, model_id: int) -> Response:
        return Response(ModelSerializer(services.find_model(self.membership, model_id)).data)


class ModelData(MemberAPIView):
    """Download one of my models."""

    permissions = {"GET": READ}

    @extend_schema(responses=BINARY)
    def get(self, request: Request, model_id: int) -> HttpResponse:
        return BytesResponse(services.data_of(services.find_model(self.membership, model_id)))


class DeleteModel(MemberAPIView):
    """Delete one of my models. Jobs that wait for a worker fail without it."""

    permissions = {"DELETE": RUN}

    def delete(self, request: Request, model_id: int) -> Response:
        services.delete_model(model=services.find_model(self.membership, model_id), by=self.membership)
        return Response(status=204)


# --- Jobs -------------------------------------------------------------------------------------------------------------


class SubmitJob(MemberAPIView):
    serializer_class = OneJobSerializer
    input_serializers = {"POST": JobInSerializer}
    permissions = {"POST": RUN}

    def post(self, request: Request) -> Response:
        """Solve a model. Jobs on a QPU reserve the most that they may cost."""
        solver = find_solver(self.input["provider"], self.input["solver_name"])
        job = services.submit_job(
            model=services.find_model(self.membership, self.input["model_id"]),
            solver=solver,
            parameters=self.input["parameters"],
            token=(self.input.get("qpu_tokens") or {}).get("dwave") if solver.needs_token else None,
            name=self.input.get("name") or "",
            with_timing=reads_timing(request),
            by=self.membership,
            now=timezone.now(),
        )
        return Response(OneJobSerializer(job).data, status=201)


class Jobs(OwnRows):
    """List my solve jobs, newest first."""

    serializer_class = JobSerializer
    query_serializer_class = JobPageSerializer
    permissions = {"GET": READ}

    @extend_schema(responses=JobSerializer(many=True))
    def get(self, request: Request) -> Response:
        jobs = SolveJob.objects.of(self.membership)
        if "model_id" in self.query:
            jobs = jobs.filter(model_id=self.query["model_id"])
        return Response(JobSerializer(self.part_of(jobs), many=True).data)


class JobAPIView(MemberAPIView):
    """Endpoints of one of the caller's own jobs."""

    @property
    def job(self) -> SolveJob:
        return services.find_job(self.membership, self.kwargs["job_id"])


class JobMetadata(JobAPIView):
    """Show one of my solve jobs, and what is being done with it."""

    serializer_class = OneJobSerializer
    permissions = {"GET": READ}

    def get(self, request: Request, job_id: int) -> Response:
        return Response(OneJobSerializer(self.job).data)


class JobData(JobAPIView):
    """Download the solution of one of my solve jobs, as luna_model serializes it."""

    permissions = {"GET": READ}

    @extend_schema(responses=BINARY)
    def get(self, request: Request, job_id: int) -> HttpResponse:
        return BytesResponse(services.solution_of(self.job))


class CancelJob(JobAPIView):
    """Cancel one of my solve jobs: at once if it waits, soon if it runs, not at all if it has ended."""

    serializer_class = OneJobSerializer
    permissions = {"POST": RUN}

    @extend_schema(responses={200: OneJobSerializer})
    def post(self, request: Request, job_id: int) -> Response:
        return Response(OneJobSerializer(services.cancel_job(job=self.job, now=timezone.now())).data)


class DeleteJob(JobAPIView):
    """Delete one of my solve jobs with its solution; what it has cost stays on the ledger."""

    permissions = {"DELETE": RUN}

    def delete(self, request: Request, job_id: int) -> Response:
        services.delete_job(job=self.job, now=timezone.now())
        return Response(status=204)


# --- What can be solved -----------------------------------------------------------------------------------------------


class Solvers(MemberAPIView):
    """List solvers by provider, with their parameters."""

    permissions = {"GET": Permission.VIEW_ORGANIZATION}

    @extend_schema(responses={200: {"type": "object", "additionalProperties": {"type": "object"}}})
    def get(self, request: Request) -> Response:
        return Response(
            {
                provider: {
                    name: {
                        "full_name": solver.title,
                        "short_name": name,
                        "available": True,
                        "params": solver.describe_parameters(),
                        "description": solver.description,
                    }
                    for name, solver in solvers.items()
                }
                for provider, solvers in SOLVERS.items()
            }
        )


class Providers(MemberAPIView):
    """List the providers that have solvers here."""

    permissions = {"GET": Permission.VIEW_ORGANIZATION}

    @extend_schema(responses={200: {"type": "array", "items": {"type": "string"}}})
    def get(self, request: Request) -> Response:
        return Response(list(SOLVERS))


# --- What the SDK can ask for besides ---------------------------------------------------------------------------------


class SubmitCircuit(MemberAPIView):
    """Run a circuit: this portal runs none."""

    permissions = {"POST": RUN}

    def post(self, request: Request) -> NoReturn:
        raise no_circuits()


class ShowCircuit(MemberAPIView):
    """Show a circuit: this portal has none."""

    permissions = {"GET": READ}

    def get(self, request: Request, **kwargs: str) -> NoReturn:
        raise no_circuits()


def no_circuits() -> NotOffered:
    return NotOffered("This portal runs no circuits. Use LunaSolve with one of its solvers_available().")
