"""Reading problems that anybody may have sent."""

import pytest

from gateway.jobs import InvalidJob, Job

from .conftest import biases


def body(**change):
    made = {
        "solver": {"name": "qpu", "version": {"graph_id": "01"}},
        "type": "ising",
        "params": {"num_reads": 2},
        "data": {"format": "qp", "lin": biases(1.0, None, 0.0), "quad": ""},
    }
    return made | change


class TestActiveQubits:
    def test_those_with_a_bias_count_also_if_it_is_zero(self):
        assert Job.parse(body()).active_qubits(3) == 2

    @pytest.mark.parametrize("count", [0, 2, 4, 5640])
    def test_there_must_be_one_bias_for_each_qubit(self, count):
        with pytest.raises(InvalidJob, match=f"The solver has {count} qubits"):
            Job.parse(body()).active_qubits(count)

    @pytest.mark.parametrize("lin", [None, 7, "", "AAAA", "not base64", "é", biases(None, None, None), biases()])
    def test_it_refuses_what_are_no_biases(self, lin):
        with pytest.raises(InvalidJob):
            Job.parse(body(data={"format": "qp", "lin": lin})).active_qubits(3)

    @pytest.mark.parametrize("data", [{}, {"format": "bq"}, {"format": "qp"}, {"format": ["qp"]}])
    def test_it_refuses_other_formats(self, data):
        with pytest.raises(InvalidJob):
            Job.parse(body(data=data)).active_qubits(3)


class TestParsing:
    @pytest.mark.parametrize("whole", [None, 7, "x", [], [body()], {}])
    def test_a_problem_is_an_object(self, whole):
        with pytest.raises(InvalidJob):
            Job.parse(whole)

    @pytest.mark.parametrize(
        "change",
        [
            {"type": None},
            {"type": {}},
            {"type": "ISING"},
            {"solver": "qpu"},
            {"solver": {}},
            {"solver": {"name": ""}},
            {"solver": {"name": 7}},
            {"params": None},
            {"params": []},
            {"data": None},
            {"data": "x"},
        ],
        ids=str,
    )
    def test_it_refuses_other_shapes(self, change):
        with pytest.raises(InvalidJob):
            Job.parse(body(**change))

    @pytest.mark.parametrize("label", [None, "", "x" * 1024, "Zürich, 5 €"])
    def test_labels_are_what_dwave_takes(self, label):
        assert Job.parse(body(label=label)).label == (label or "")

    @pytest.mark.parametrize("label", [7, [], "x" * 1025, "日本", "\0", "\ud800"])
    def test_it_refuses_other_labels(self, label):
        with pytest.raises(InvalidJob):
            Job.parse(body(label=label))


class TestIdentity:
    @pytest.mark.parametrize(
        ("solver", "identity"),
        [
            ({"name": "qpu", "version": {"graph_id": "01"}}, {"name": "qpu", "version": {"graph_id": "01"}}),
            ({"name": "hybrid"}, {"name": "hybrid"}),
            ({"name": "hybrid", "version": None}, {"name": "hybrid"}),
            ({"name": "qpu", "version": {"graph_id": "\0"}, "more": [1]}, {"name": "qpu"}),
            ({"name": "qpu", "version": {"graph_id": "x" * 101}}, {"name": "qpu"}),
        ],
    )
    def test_it_is_what_can_be_kept(self, solver, identity):
        assert Job.parse(body(solver=solver)).identity == identity


class TestUploads:
    def test_a_job_names_its_upload(self):
        assert Job.parse(body(type="bqm", data={"format": "ref", "data": "id"})).upload_id == "id"

    def test_a_job_without_one_names_none(self):
        assert Job.parse(body()).upload_id is None

    @pytest.mark.parametrize("upload_id", [None, 7, ["id"]])
    def test_it_refuses_other_names(self, upload_id):
        job = Job.parse(body(type="bqm", data={"format": "ref", "data": upload_id}))

        with pytest.raises(InvalidJob):
            _ = job.upload_id
