"""Uploading models, and getting at them again."""

from importlib import import_module

import pytest
from django.apps import apps

from solving.models import UploadedModel
from tests.conftest import solved_job

from .conftest import small_model, submit, upload


def test_a_model_comes_back_as_it_went_in(luna, bob):
    client, model = luna(bob), small_model()

    model_id = upload(client, model)

    assert client.get(f"/models/data/{model_id}").content == model.serialize()
    metadata = client.get(f"/models/metadata/{model_id}").json()
    assert metadata.keys() == {"id", "created_date", "created_by"}
    assert metadata["id"] == model_id
    assert metadata["created_date"].endswith("Z")
    assert metadata["created_by"] == "bob@example.com"


def test_the_same_bytes_are_the_same_model(luna, bob):
    client = luna(bob)

    assert upload(client) == upload(client)
    assert upload(client) != upload(client, small_model("another"))


def test_equal_models_of_two_members_are_two(luna, alice, bob):
    assert upload(luna(alice)) != upload(luna(bob))


def test_a_hash_is_never_found(luna, bob):
    """On a hit the SDK would not upload its model, and different models have equal hashes."""
    client = luna(bob)
    upload(client)

    assert client.get("/models/metadata?model_hash=123").json() == []
    assert len(client.get("/models/metadata").json()) == 1


def test_models_are_listed_newest_first_and_in_parts(luna, bob):
    client = luna(bob)
    ids = [upload(client, small_model(f"model {number}")) for number in range(5)]

    def listed(query):
        return [model["id"] for model in client.get(f"/models/metadata?{query}").json()]

    assert listed("") == ids[::-1]
    assert listed("limit=2&offset=1") == ids[::-1][1:3]
    assert listed("timeframe=today") == ids[::-1]
    UploadedModel.objects.filter(pk=ids[0]).update(created_at="2020-01-01T00:00:00Z")
    assert listed("timeframe=last_year") == ids[:0:-1]


@pytest.mark.parametrize("query", ["limit=0", "limit=x", "limit=1001", "offset=-1", "timeframe=tomorrow"])
def test_nonsense_in_a_query_is_refused(luna, bob, query):
    assert luna(bob).get(f"/models/metadata?{query}").status_code == 422


@pytest.mark.parametrize("path", ["/models/metadata/{}", "/models/data/{}"])
def test_models_of_others_are_not_there(luna, alice, bob, path):
    model_id = upload(luna(bob))

    assert luna(alice).get(path.format(model_id)).status_code == 404
    assert luna(alice).delete(f"/models/{model_id}").status_code == 404
    assert luna(alice).get("/models/metadata").json() == []


def test_a_deleted_model_is_gone(luna, bob):
    client = luna(bob)
    model_id = upload(client)

    assert client.delete(f"/models/{model_id}").status_code == 204
    assert client.get(f"/models/metadata/{model_id}").status_code == 404


def test_a_model_that_is_too_large_is_refused_with_the_limit(luna, bob, settings):
    settings.SOLVING_MODEL_MB = 1

    answer = luna(bob).generic("POST", "/models", b"x" * (1024 * 1024 + 1))

    assert answer.status_code == 413
    assert answer.json()["message"] == "A model has at most 1 MB."
    assert not UploadedModel.objects.exists()


def test_a_model_may_be_larger_than_other_requests(luna, bob, settings):
    size = settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1

    assert luna(bob).generic("POST", "/models", b"x" * size).status_code == 201
    assert UploadedModel.objects.get().size == size


class TestStorage:
    SIZE = 600_000

    @pytest.fixture(autouse=True)
    def one_megabyte(self, settings):
        settings.SOLVING_STORAGE_MB = 1

    def put(self, client, content):
        return client.generic("POST", "/models", content * self.SIZE)

    def test_what_does_not_fit_is_refused_and_told_apart(self, luna, bob):
        client = luna(bob)
        assert self.put(client, b"a").status_code == 201

        answer = self.put(client, b"b")

        assert answer.status_code == 413
        assert answer.json()["message"].startswith("Your models take 0.6 MB and your jobs 0.0 MB of the 1 MB")
        assert UploadedModel.objects.count() == 1

    def test_the_same_model_once_more_takes_no_room(self, luna, bob):
        client = luna(bob)

        assert self.put(client, b"a").json()["id"] == self.put(client, b"a").json()["id"]

    def test_each_member_has_their_own(self, luna, alice, bob):
        self.put(luna(alice), b"a")

        assert self.put(luna(bob), b"b").status_code == 201

    def test_deleting_makes_room(self, luna, bob):
        client = luna(bob)
        client.delete(f"/models/{self.put(client, b'a').json()['id']}")

        assert self.put(client, b"b").status_code == 201

    def test_results_count_and_hold_new_jobs_back(self, luna, bob):
        client = luna(bob)
        job = solved_job(bob, result_size=2_000_000)

        answer = submit(client, job.model_id)

        assert answer.status_code == 413
        assert "your jobs 1.9 MB" in answer.json()["message"]
        client.delete(f"/solve-jobs/{job.pk}")
        assert submit(client, job.model_id).status_code == 201

    @pytest.mark.parametrize("chains", [None, {"a": [1, 2]}])
    def test_the_migration_counts_what_is_there_already(self, bob, chains):
        job = solved_job(bob, parameters={"seed": 1}, chains=chains)

        import_module("solving.migrations.0005_sizes_of_parameters").fill(apps, None)

        job.refresh_from_db()
        assert job.json_size == len('{"seed": 1}') + (len('{"a": [1, 2]}') if chains else 0)

    def test_parameters_count_until_the_job_is_deleted(self, luna, bob):
        client, much = luna(bob), {"beta_schedule": [0.1234567890123456] * 10_000}
        model_id = upload(client)
        jobs = [submit(client, model_id, **much).json()["id"] for _ in range(5)]
        client.post(f"/solve-jobs/metadata/{jobs[0]}/cancel")

        refused = submit(client, model_id, **much)
        assert submit(client, model_id).status_code == 201
        client.delete(f"/solve-jobs/{jobs[0]}")
        taken = submit(client, model_id, **much)

        assert (refused.status_code, taken.status_code) == (413, 201)
        assert "your jobs 1.0 MB" in refused.json()["message"]


def test_no_model_at_all_is_refused(luna, bob):
    assert luna(bob).generic("POST", "/models", b"").status_code == 422


def test_a_key_that_may_only_read_uploads_nothing(luna, bob):
    assert luna(bob, scopes=["read"]).generic("POST", "/models", b"x").status_code == 403
