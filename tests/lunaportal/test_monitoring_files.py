"""Dashboard, alerts and docs name metrics that there are, and all of them."""

import json
import re
from pathlib import Path

import pytest
import yaml
from django.utils import timezone
from prometheus_client import REGISTRY

from lunaportal.scraping import families
from monitoring.models import Heartbeat
from quotas.models import Usage

FOLDER = Path(__file__).parent.parent.parent / "docs"
NAME = re.compile(r"luna_portal_\w+")
PARTS = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"], "gauge": [""]}

DASHBOARD = json.loads((FOLDER / "monitoring/dashboard.json").read_text())
ALERTS = yaml.safe_load((FOLDER / "monitoring/alerts.yml").read_text())
PROMETHEUS = yaml.safe_load((FOLDER / "monitoring/prometheus.yml").read_text())
OPERATIONS = (FOLDER / "operations.md").read_text()

RULES = [rule for group in ALERTS["groups"] for rule in group["rules"]]
TARGETS = [target for panel in DASHBOARD["panels"] for target in panel["targets"]]
EXPRESSIONS = [item["expr"] for item in RULES + TARGETS]


@pytest.fixture
def metrics(db):
    """All metrics of the portal: the name without an ending -> the kind."""
    counted = {family.name: family.type for family in REGISTRY.collect() if NAME.match(family.name)}
    return counted | {family.name: family.type for family in families(timezone.now())} | {DATABASE_UP: "gauge"}


DATABASE_UP = "luna_portal_database_up"


def series(metrics):
    return {name + part for name, kind in metrics.items() for part in PARTS[kind]}


def test_queries_ask_for_metrics_that_there_are(metrics):
    asked = {name for expression in EXPRESSIONS for name in NAME.findall(expression)}

    assert asked - series(metrics) == set()


def test_every_metric_is_on_the_dashboard(metrics):
    shown = " ".join(target["expr"] for target in TARGETS)

    assert [name for name in metrics if name not in shown] == []


def test_the_docs_describe_every_metric_and_no_other(metrics):
    described = set(re.findall(r"^\| `(luna_portal_\w+)", OPERATIONS, re.MULTILINE))

    assert described == {name + PARTS[kind][0].replace("_bucket", "") for name, kind in metrics.items()}


def test_the_docs_say_what_to_do_about_every_alert():
    described = set(re.findall(r"^\| `([A-Z]\w+)` \|", OPERATIONS, re.MULTILINE))

    assert described == {rule["alert"] for rule in RULES}


def test_alerts_have_a_severity_and_say_what_is_the_case():
    for rule in RULES:
        assert rule["labels"]["severity"] in {"warning", "critical"}
        assert rule["annotations"]["summary"].endswith((".", "%"))


def test_labels_have_values_that_there_are():
    selected = re.findall(r'(process|source|service)!?="(\w+)"', " ".join(EXPRESSIONS))

    known = {"process": set(Heartbeat.Process), "source": set(Usage.Source), "service": {"web", "gateway"}}
    assert {(label, value) for label, value in selected if value not in known[label]} == set()


def test_panels_do_not_lie_on_each_other():
    cells = [
        (x, y)
        for position in (panel["gridPos"] for panel in DASHBOARD["panels"])
        for x in range(position["x"], position["x"] + position["w"])
        for y in range(position["y"], position["y"] + position["h"])
    ]

    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


def test_prometheus_reads_the_alerts_and_asks_at_the_right_address():
    (job,) = PROMETHEUS["scrape_configs"]

    assert PROMETHEUS["rule_files"] == ["alerts.yml"]
    assert job.get("metrics_path", "/metrics") == "/metrics"
    assert job["job_name"] in RULES[0]["expr"]
