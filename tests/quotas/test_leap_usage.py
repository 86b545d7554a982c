import json
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from quotas import services
from quotas.leap import SYNONYMS, Drift, Reading, Row, UnreadableReport, read_report
from tokens.services import delete_token, rename_token, upload_token

DAY = date(2026, 11, 2)
NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


def the_only_row(text, **reading):
    (row,) = read_report(text.encode(), Reading(**reading))
    return row


def refusal(text, **reading):
    with pytest.raises(UnreadableReport) as error:
        read_report(text if isinstance(text, bytes) else text.encode(), Reading(**reading))
    return str(error.value)


class TestReport:
    @pytest.mark.parametrize(
        ("heading", "value", "ns"),
        [
            ("Solver Access Time (seconds)", "1.5", 1_500_000_000),
            ("Solver-Access Time (s)", "1.5", 1_500_000_000),
            ("solver_access_time_ms", "1.5", 1_500_000),
            ("QPU Access Time [µs]", "15148.02", 15_148_020),
            ("QPU access time (\N{GREEK SMALL LETTER MU}s)", "15148.02", 15_148_020),
            ("Usage in hours", "0.5", 1_800_000_000_000),
            ("USAGE (Minutes)", "2", 120_000_000_000),
            ("Total Access Time ns", "7", 7),
            ("Usage (s)", "1.5e-07", 150),
            ("Usage (s)", "0.30000000000000004", 300_000_000),
        ],
    )
    def test_it_finds_the_time_and_its_unit_by_the_heading(self, heading, value, ns):
        assert the_only_row(f"Date,{heading}\n2026-11-02,{value}\n").time_ns == ns

    @pytest.mark.parametrize(("unit", "ns"), [("s", 2_000_000_000), ("ms", 2_000_000), ("µs", 2_000)])
    def test_a_unit_given_by_hand_wins(self, unit, ns):
        assert the_only_row("Date,Usage (h)\n2026-11-02,2\n", unit=unit).time_ns == ns

    def test_columns_can_be_named_by_hand(self):
        text = "When,Spent (s),Runs,Usage (h)\n2026-11-02,2,3,9\n"

        row = the_only_row(text, columns={"date": "when", "time": "Spent (s)", "jobs": " RUNS "})

        assert (row.day, row.time_ns, row.jobs) == (DAY, 2_000_000_000, 3)

    @pytest.mark.parametrize(
        "text",
        [
            "\ufeffDate,Usage (s)\r\n2026-11-02,1.5\r\n",
            '"Date","Usage (s)"\n"2026-11-02","1.5"\n',
            "Date;Usage (s)\n2026-11-02;1,5\n",
            "Date\tUsage (s)\n2026-11-02\t1.5",
            "\n  \nDate , Usage (s)\n\n 2026-11-02 , 1.5 \n,\n",
            'Date;Usage (s);User\n2026-11-02;1.5;"Curie; Marie\nSklodowska"\n',
        ],
        ids=["with BOM", "quoted", "semicolons and decimal comma", "tabs", "empty lines", "line break in a cell"],
    )
    def test_it_reads_what_spreadsheets_write(self, text):
        assert the_only_row(text).time_ns == 1_500_000_000

    @pytest.mark.parametrize("separator", ["\t", ","])
    def test_a_comma_that_may_separate_thousands_is_refused(self, separator):
        text = f'Date{separator}Usage (s)\n2026-11-02{separator}"1,500"\n'

        assert refusal(text) == "Line 2: “1,500” is no amount of time: a number, without separators of thousands."

    @pytest.mark.parametrize(
        ("said", "day"),
        [
            ("2026-11-02", DAY),
            ("2026-11-02T23:59:59Z", DAY),
            ("2026-11-02 00:00:00", DAY),
            ("2026-11-03T00:30:00+01:00", DAY),
            ("2026-11-02T23:30:00-01:00", DAY + timedelta(days=1)),
        ],
    )
    def test_days_are_of_utc(self, said, day):
        assert the_only_row(f"Date (UTC),Usage (s)\n{said},1\n").day == day

    def test_it_reads_other_dates_as_told(self):
        assert the_only_row("Date,Usage (s)\n02.11.2026,1\n", date_format="%d.%m.%Y").day == DAY

    def test_it_knows_jobs_and_solvers_where_they_are_told(self):
        text = "User,Day,Solver Name,Number of Problems,Solver Access Time (ms)\nada,2026-11-02,Advantage2,12,1.50\n"

        assert read_report(text.encode(), Reading()) == [Row(DAY, 1_500_000, 10_000, 12, "Advantage2")]

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            ("", "The file is empty."),
            ("\n\n", "The file is empty."),
            ("Name,Cost\nada,1\n", "No column is known to be the date. Columns found: “Name”, “Cost”. Say which with"),
            (
                "Date,Cost\n2026-11-02,1\n",
                "No column is known to be the time. Columns found: “Date”, “Cost”. Say which",
            ),
            (
                "Date,Usage (s),Usage (h)\n",
                "Several columns may be the time. Columns found: “Date”, “Usage (s)”, “Usage",
            ),
            ("Date,Usage\n2026-11-02,1\n", "The column “Usage” does not say in which unit it is. Say so with --unit."),
            (b"Date,Usage (s)\n2026-11-02,1\n2026-11-03,\xff\n", "Line 3: this is not UTF-8."),
            (b"PK\x03\x04", "This is an Excel file."),
        ],
    )
    def test_it_says_what_keeps_it_from_understanding(self, text, says):
        assert refusal(text).startswith(says)

    def test_it_says_which_option_helps_with_a_column(self):
        assert "--time-column" in refusal("Date,Cost\n2026-11-02,1\n")
        assert "--jobs-column" in refusal("Date,Cost\n2026-11-02,1\n", columns={"time": "Cost", "jobs": "Runs"})

    @pytest.mark.parametrize(
        ("row", "says"),
        [
            ("2026-11-03,1", "has 2 cells, but there are 3 headings."),
            ("2026-11-03,1,000,5", "has 4 cells, but there are 3 headings."),
            ("2026-11,1,5", "“2026-11” is not a day. Export the report with the aggregate time scale “Daily”"),
            ("2026-W44,1,5", "“2026-W44” is not a day."),
            ("2026-11-31,1,5", "“2026-11-31” is not a day."),
            ("11/03/2026,1,5", "“11/03/2026” is not a day."),
            ("Total,1,5", "“Total” is not a day."),
            ("2026-11-03,,5", "“” is no amount of time"),
            ("2026-11-03,nan,5", "“nan” is no amount of time"),
            ("2026-11-03,-1,5", "“-1” is no amount of time"),
            ("2026-11-03,1:30,5", "“1:30” is no amount of time"),
            ('2026-11-03,"1,5",5', "“1,5” is no amount of time"),
            ("2026-11-03,\N{ARABIC-INDIC DIGIT ONE},5", "“\N{ARABIC-INDIC DIGIT ONE}” is no amount of time"),
            ("2026-11-03,1,", "“” is no number of jobs."),
            ("2026-11-03,1,1.5", "“1.5” is no number of jobs."),
            ('2026-11-03,1,"5" 6', "this is no CSV ("),
        ],
    )
    def test_a_bad_row_refuses_the_whole_file_and_is_named(self, row, says):
        text = f"Date,Usage (s),Problems\n2026-11-02,1,5\n{row}\n2026-11-04,1,5\n"

        assert refusal(text).startswith(f"Line 3: {says}")

    def test_documents_name_every_heading_that_is_known(self):
        words = (Path(__file__).parents[2] / "docs/quotas.md").read_text()

        assert [name for names in SYNONYMS.values() for name in names if f"`{name}`" not in words] == []


class TestDrift:
    @pytest.mark.parametrize(
        ("leap_ns", "portal_ns", "rounding_ns", "percent", "agrees"),
        [
            (1000, 1000, 0, 0, True),
            (1000, 1001, 0, 0, False),
            (1000, 1001, 1, 0, True),
            (1001, 1000, 1, 0, True),
            (1000, 1002, 1, 0, False),
            (1000, 990, 0, 1, True),
            (1000, 989, 0, 1, False),
            (989, 1000, 0, 1, False),
            (1000, 989, 1, 1, True),
            (0, 1, 0, 1, False),
            (1, 0, 0, 100, True),
        ],
    )
    def test_days_may_differ_by_rounding_and_a_share_of_the_larger(
        self, leap_ns, portal_ns, rounding_ns, percent, agrees
    ):
        assert Drift(leap_ns, portal_ns, rounding_ns).is_within(percent) is agrees


@pytest.fixture
def report(tmp_path):
    """report(*rows): a file of Leap's, in seconds."""

    def write(*rows, headings="Date,Solver Name,Problems,Solver Access Time (s)"):
        file = tmp_path / "leap.csv"
        file.write_text("\n".join([headings, *rows, ""]))
        return str(file)

    return write


@pytest.fixture
def job(reserve, bob):
    """job(ns, at): a settled job of Bob's; an open one without ns."""

    def run(ns, at=NOON, **options):
        usage = reserve(bob, 5_000_000_000, **{"now": at, "solver": "Advantage2"} | options)
        if ns is not None:
            services.settle(usage=usage, access_time_ns=ns, now=at + timedelta(days=2))
        return usage

    return run


def compared(file, *options):
    """What the command prints, and what it complains of."""
    out = StringIO()
    try:
        call_command("import_leap_usage", file, *options, stdout=out)
    except CommandError as error:
        return out.getvalue(), str(error), error.returncode
    return out.getvalue(), "", 0


@pytest.mark.django_db
class TestCommand:
    def test_a_ledger_that_agrees(self, job, report):
        job(400_000_000)
        job(1_100_000_000)
        job(20_000_000, NOON + timedelta(days=1))

        out, complaint, code = compared(report("2026-11-02,Advantage2,2,1.50", "2026-11-03,Advantage2,1,0.02"))

        assert out.splitlines() == [
            "day               Leap      portal  difference                 exactly             jobs",
            "2026-11-02       1.5 s       1.5 s         0 s                   +0 ns            2 / 2",
            "2026-11-03       20 ms       20 ms         0 s                   +0 ns            1 / 1",
            "sum             1.52 s      1.52 s         0 s                   +0 ns            3 / 3",
            "Leap and the ledger agree on every day (2).",
        ]
        assert (complaint, code) == ("", 0)

    def test_a_day_that_differs(self, job, report):
        job(1_000_000_000)
        job(None)

        out, complaint, code = compared(report("2026-11-02,Advantage2,9,1.50"))

        assert out.splitlines()[1] == (
            "2026-11-02       1.5 s         1 s     -500 ms         -500,000,000 ns            9 / 1  DRIFT"
        )
        assert complaint.splitlines() == [
            "1 of 1 days differ by more than 0.1 % and the report's rounding.",
            "Leap has more: was the token used without the portal?",
            "1 jobs of these days are still open.",
        ]
        assert code == 1

    def test_days_that_only_one_side_knows_differ(self, job, report):
        job(1_000_000_000, NOON + timedelta(days=1))

        out, complaint, _ = compared(report("2026-11-02,A,1,1.0", "2026-11-04,A,1,0.0"))

        assert [line.endswith("DRIFT") for line in out.splitlines()] == [False, True, True, False, False]
        assert "The sums agree, so jobs around midnight may count for another day at Leap." in complaint

    def test_rounding_of_each_row_is_explained_and_more_is_not(self, job, report):
        file = report("2026-11-02,A,1,0.50", "2026-11-02,B,1,0.5")

        job(1_020_000_000)
        assert compared(file, "--tolerance", "0")[2] == 0

        job(1)
        assert compared(file, "--tolerance", "0")[2] == 1

    def test_the_tolerance_can_be_set(self, job, report):
        job(1_100_000_000)
        file = report("2026-11-02,A,1,1.000000")

        assert compared(file, "--tolerance", "9")[2] == 1
        assert compared(file, "--tolerance", "10")[2] == 0

    def test_a_job_counts_for_the_day_on_which_it_was_booked_in_utc(self, job, report):
        job(1_000_000_000, datetime(2026, 11, 1, 23, 59, 59, 999_999, UTC))
        job(2_000_000_000, datetime(2026, 11, 2, tzinfo=UTC))
        job(4_000_000_000, datetime(2026, 11, 2, 23, 59, 59, 999_999, UTC))
        job(3_000_000_000, datetime(2026, 11, 3, tzinfo=UTC))

        out, _, code = compared(report("2026-11-02,A,2,6.000000"))

        assert (out.splitlines()[1].split()[:5], code) == (["2026-11-02", "6", "s", "6", "s"], 0)

    def test_other_days_can_be_asked_for(self, job, report):
        job(1_000_000_000)
        job(1_000_000_000, NOON + timedelta(days=2))
        file = report("2026-11-01,A,1,5", "2026-11-02,A,1,1")

        out, _, _ = compared(file, "--since", "2026-11-02", "--until", "2026-11-04", "--json")

        assert [day["day"] for day in json.loads(out)["days"]] == ["2026-11-02", "2026-11-04"]

    def test_programs_get_json(self, job, report):
        job(1_000_000_000)
        job(None)

        out, complaint, code = compared(report("2026-11-02,A,3,1.5"), "--json")

        facts = {
            "leap_ns": 1_500_000_000,
            "portal_ns": 1_000_000_000,
            "rounding_ns": 100_000_000,
            "leap_jobs": 3,
            "portal_jobs": 1,
            "open_jobs": 1,
            "difference_ns": -500_000_000,
        }
        assert json.loads(out) == {
            "days": [{"day": "2026-11-02", **facts, "agrees": False}],
            "sum": facts,
            "agrees": False,
        }
        assert (complaint[:8], code) == ("1 of 1 d", 1)

    def test_jobs_that_the_report_does_not_count_are_shown_alone(self, job, report):
        job(1_000_000_000)

        out, _, _ = compared(report("2026-11-02,1.0", headings="Date,Usage (s)"), "--json")

        assert json.loads(out)["sum"]["leap_jobs"] is None

    def test_only_some_solvers(self, job, report):
        job(1_000_000_000)
        job(7, solver="hybrid")
        file = report("2026-11-02,Advantage2,1,1.000", "2026-11-02,hybrid,1,20.000")

        assert compared(file)[2] == 1
        assert compared(file, "--solver", "Advantage2", "--tolerance", "0")[2] == 0

    def test_solvers_cannot_be_told_apart_without_their_column(self, acme, report):
        _, complaint, code = compared(report("2026-11-02,1.0", headings="Date,Usage (s)"), "--solver", "A")

        assert "--solver-column" in complaint
        assert code == 2

    def test_only_some_tokens(self, job, report, alice):
        other = upload_token(scope="group", provider="dwave", name="other", secret="s2", by=alice)
        job(1_000_000_000)
        job(2_000_000_000, token=other)
        rename_token(token=other, name="renamed", by=alice)
        file = report("2026-11-02,A,1,2.0")

        assert compared(file)[2] == 1
        assert compared(file, "--token", "renamed")[2] == 0
        assert compared(report("2026-11-02,A,1,3.0"), "--token", "renamed", "--token", "lab")[2] == 0

    def test_jobs_on_tokens_that_are_gone_count_and_those_for_others_than_dwave_do_not(self, job, report, alice):
        gone = upload_token(scope="group", provider="dwave", name="gone", secret="s2", by=alice)
        ibm = upload_token(scope="group", provider="ibm", name="ibm", secret="s3", by=alice)
        job(1_000_000_000, token=gone)
        job(4_000_000_000, token=ibm)
        delete_token(token=gone, by=alice)

        assert compared(report("2026-11-02,A,1,1.0"), "--tolerance", "0")[2] == 0

    def test_personal_tokens_and_other_organizations_do_not_count(self, job, report, bobs_token, charlie, reserve):
        job(1_000_000_000)
        job(2_000_000_000, token=bobs_token)
        theirs = upload_token(scope="group", provider="dwave", name="lab", secret="s2", by=charlie)
        usage = reserve(charlie, 1, token=theirs, now=NOON)
        services.settle(usage=usage, access_time_ns=4_000_000_000, now=NOON)

        file = report("2026-11-02,A,1,1.0")

        assert compared(file, "--organization", "acme")[2] == 0

    @pytest.mark.parametrize(
        ("options", "says"),
        [
            ([], "Say which organization with --organization."),
            (["--organization", "nowhere"], "There is no organization “nowhere”."),
            (["--organization", "acme", "--token", "x"], "No group token for D-Wave is named “x”. There are: lab."),
            (["--organization", "acme", "--since", "2026-11-03"], "There is no day from 2026-11-03 to 2026-11-02."),
        ],
    )
    def test_it_says_what_it_cannot_find(self, lab_token, charlie, report, options, says):
        assert compared(report("2026-11-02,A,1,1.0"), *options) == ("", says, 2)

    def test_it_refuses_what_cannot_be_read(self, acme, report, tmp_path):
        assert compared(str(tmp_path / "none.csv"))[1:] == (
            f"{tmp_path}/none.csv cannot be read: No such file or directory.",
            2,
        )
        assert compared(report())[1:] == (
            "The report has no rows. Say which days to compare with --since and --until.",
            2,
        )
        assert compared(report("2026-11-02,A,1,x"))[1].startswith("Line 2: “x” is no amount of time")

    @pytest.mark.parametrize("option", ["--tolerance=-1", "--tolerance=nan", "--tolerance=101", "--unit=days"])
    def test_it_refuses_nonsense(self, acme, report, option):
        with pytest.raises(CommandError, match="must be"):
            call_command("import_leap_usage", report(), option)

    def test_units_are_taken_as_people_write_them(self, job, report):
        job(1_000_000)

        assert compared(report("2026-11-02,1000.00", headings="Date,Usage"), "--unit", "us", "--tolerance=0")[2] == 0

    def test_it_asks_the_ledger_once(self, job, report, django_assert_num_queries):
        job(1_000_000_000)
        job(1_000_000_000, NOON + timedelta(days=1))
        file = report("2026-11-02,A,1,1.0", "2026-11-03,A,1,1.0")

        with django_assert_num_queries(2):  # the organization, the ledger
            compared(file)

    def test_the_sum_is_exact_beyond_what_a_float_holds(self, job, report, bob, assign):
        job(9_000_000_000_000_001)
        job(9_000_000_000_000_002)

        out, _, _ = compared(report("2026-11-02,A,1,1.0"), "--json")

        assert json.loads(out)["sum"]["portal_ns"] == 18_000_000_000_000_003
