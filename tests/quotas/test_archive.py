import csv
from datetime import UTC, date, datetime, timedelta
from io import StringIO

import orjson
import pytest
from django.core.management import CommandError, call_command

from audit.models import Event
from gateway.models import Problem
from quotas import archive, daily, services
from quotas.models import Archive, ArchivedUsage, DailyUsage, TimeQuotaPolicy, Usage
from quotas.proof import prove
from quotas.pseudonyms import pseudonym_of, pseudonymize

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 22, tzinfo=UTC)
AUGUST = datetime(2026, 8, 31, 23, 59, tzinfo=UTC)
SEPTEMBER = datetime(2026, 9, 1, tzinfo=UTC)


@pytest.fixture
def run(reserve, assign, bob):
    """run(moment, cost): a job of Bob's that was booked and settled then; released without a cost."""
    for member, quota_ns in ((None, 10_000), (bob, 5_000)):
        assign(member, quota_ns, now=datetime(2026, 1, 1, tzinfo=UTC))

    def run_job(moment, access_time_ns=None, member=bob, **options):
        usage = reserve(member, 100, now=moment, **options)
        if access_time_ns is None:
            services.release(usage=usage, now=moment)
        else:
            services.settle(usage=usage, access_time_ns=access_time_ns, now=moment)
        return usage

    return run_job


@pytest.fixture
def take(tmp_path):
    """take(before): archives into this test's folder."""

    def archive_before(before=date(2026, 10, 1), beside=lambda ids: {}):
        return list(archive.archive(before=before, folder=tmp_path, beside=beside, now=NOW))

    return archive_before


def lines_in(folder):
    return [line for path in sorted(folder.glob("*.jsonl.gz")) for line in archive.read(path)]


class TestWhatIsArchived:
    def test_closed_jobs_of_finished_months_by_month(self, run, take, tmp_path):
        old = [run(AUGUST, 5), run(AUGUST, 6), run(SEPTEMBER, 7), run(SEPTEMBER)]
        kept = run(SEPTEMBER + timedelta(days=30), 8)

        files = take()

        assert [(written.month, written.lines, written.settled_ns) for written in files] == [
            (date(2026, 8, 1), 2, 11),
            (date(2026, 9, 1), 2, 7),
        ]
        assert [line["id"] for line in lines_in(tmp_path)] == [usage.pk for usage in old]
        assert list(Usage.objects.values_list("pk", flat=True)) == [kept.pk]

    def test_jobs_that_are_open_or_ended_later_stay(self, run, reserve, bob, take):
        _, long_job = reserve(bob, 10, now=AUGUST), reserve(bob, 10, now=AUGUST)
        services.settle(usage=long_job, access_time_ns=9, now=datetime(2026, 10, 1, tzinfo=UTC))

        assert take() == []
        assert Usage.objects.count() == 2

    def test_this_month_and_the_last_one_stay(self, run, take):
        run(datetime(2026, 9, 30, 23, 59, tzinfo=UTC), 5)

        with pytest.raises(Exception, match="nothing from 2026-10"):
            take(date(2026, 11, 1))
        assert Usage.objects.count() == 1

    @pytest.mark.parametrize(
        ("now", "first"), [(NOW, date(2026, 10, 1)), (datetime(2026, 1, 1, tzinfo=UTC), date(2025, 12, 1))]
    )
    def test_what_last_month_is(self, now, first):
        assert archive.first_to_keep(now) == first

    def test_a_line_is_in_the_file_as_it_was_in_the_ledger(self, run, take, tmp_path):
        moment = AUGUST + timedelta(microseconds=123456)
        usage = run(moment, 55, solver="Advantage")
        before = Usage.objects.values().get()

        take(beside=lambda ids: {usage.pk: {"problem_status": "COMPLETED"}})

        (line,) = lines_in(tmp_path)
        assert line.pop("problem_status") == "COMPLETED"
        assert line == orjson.loads(orjson.dumps(before))
        assert datetime.fromisoformat(line["created_at"]) == moment

    def test_few_lines_at_a_time(self, run, take, monkeypatch, tmp_path):
        monkeypatch.setattr(archive, "MOST_LINES", 2)
        old = [run(AUGUST, number) for number in range(5)]

        assert [written.lines for written in take()] == [2, 2, 1]
        assert [line["id"] for line in lines_in(tmp_path)] == [usage.pk for usage in old]

    def test_nobody_else_can_read_the_files(self, run, take, tmp_path):
        run(AUGUST, 5)
        take()

        (path,) = tmp_path.iterdir()
        assert path.stat().st_mode & 0o077 == 0


class TestTheProof:
    def test_policies_and_days_are_proven_as_before(self, run, take, alice):
        for moment, cost in ((AUGUST, 5), (AUGUST, 6), (SEPTEMBER, 7), (SEPTEMBER, None), (NOW, 8)):
            run(moment, cost)
        run(SEPTEMBER, 9, member=alice)
        policies, days = list(TimeQuotaPolicy.objects.values()), list(DailyUsage.objects.values())

        take()

        assert prove() == (2, [])
        assert daily.prove() == (len(days), [])
        assert (list(TimeQuotaPolicy.objects.values()), list(DailyUsage.objects.values())) == (policies, days)

    def test_each_is_asked_once_so_that_both_sides_are_of_one_moment(self, run, take, django_assert_num_queries):
        run(AUGUST, 5)
        take()

        for side in (prove, daily.prove):
            with django_assert_num_queries(1):
                assert side()[1] == []

    def test_days_are_rebuilt_from_both(self, run, take):
        run(AUGUST, 5)
        take()
        run(AUGUST, 6)
        DailyUsage.objects.all().delete()

        daily.rebuild()

        assert DailyUsage.objects.get().settled_ns == 11

    @pytest.mark.parametrize(
        "falsify",
        [lambda: ArchivedUsage.objects.update(total_ns=4), lambda: ArchivedUsage.objects.all().delete()],
        ids=["another sum", "a lost sum"],
    )
    def test_wrong_sums_are_found(self, run, take, falsify):
        run(AUGUST, 5)
        take()
        rows = list(ArchivedUsage.objects.all())
        falsify()

        assert len(prove()[1]) == 2
        assert len(daily.prove()[1]) == 1
        ArchivedUsage.objects.all().delete()
        ArchivedUsage.objects.bulk_create(rows)


class TestFiles:
    @pytest.fixture
    def file(self, run, take, tmp_path):
        run(AUGUST, 5)
        (written,) = take()
        return tmp_path / written.file

    def check(self, folder):
        out = StringIO()
        call_command("check_ledger", archive=folder, stdout=out)
        return out.getvalue()

    def test_they_are_proven(self, file):
        assert self.check(file.parent) == (
            "The ledger is true. Policies proven: 2. Rows of days: 1. Files of the archive: 1.\n"
        )

    def test_they_prove_what_people_have_used_who_are_erased_since(self, file, bob):
        pseudonymize(user_id=bob.user_id)

        assert (
            ArchivedUsage.objects.get().user_email == DailyUsage.objects.get().user_email == pseudonym_of(bob.user_id)
        )
        assert self.check(file.parent).startswith("The ledger is true.")

    def test_a_lost_file_is_named(self, file):
        file.unlink()

        with pytest.raises(CommandError, match=f"{file.name}: is missing"):
            self.check(file.parent)

    def test_a_changed_file_is_named(self, file):
        file.write_bytes(file.read_bytes()[:-1])

        with pytest.raises(CommandError, match=f"{file.name}: was changed"):
            self.check(file.parent)

    def test_a_file_that_adds_up_to_something_else_is_named(self, file):
        (line,) = archive.read(file)
        Archive.objects.update(sha256=archive.write(file, [line | {"access_time_ns": 6}]))

        with pytest.raises(CommandError, match=f"{file.name}: adds up to something else"):
            self.check(file.parent)

    def test_a_file_that_was_left_behind_is_named(self, file):
        (file.parent / "usage-2026-08-7.jsonl.draft").touch()

        with pytest.raises(CommandError, match=r"draft: is no archive"):
            self.check(file.parent)


class TestWhenItIsInterrupted:
    @pytest.mark.parametrize("where", ["write", "rows_of", "log.record"])
    def test_all_lines_stay_and_the_next_run_goes_on(self, run, take, monkeypatch, where, tmp_path):
        old = [run(AUGUST, 5), run(AUGUST, 6)]

        with monkeypatch.context() as patch:
            patch.setattr(f"quotas.archive.{where}", killed)
            with pytest.raises(OSError, match="killed"):
                take()
        assert Usage.objects.count() == 2
        assert not Archive.objects.exists()
        assert prove()[1] == []

        take()
        assert [line["id"] for line in lines_in(tmp_path)] == [usage.pk for usage in old]
        assert archive.prove(tmp_path) == (1, [])

    def test_a_second_run_finds_nothing_left(self, run, take):
        run(AUGUST, 5)

        assert len(take()) == 1
        assert take() == []

    def test_lines_that_somebody_else_has_moved_meanwhile_are_left_alone(self, run, take, tmp_path):
        pk = run(AUGUST, 5).pk
        take()

        assert archive.archive_lines([pk], date(2026, 8, 1), tmp_path, lambda ids: {}, NOW) is None


def killed(*args, **kwargs):
    raise OSError("killed")


def test_what_is_archived_is_in_the_audit_log(run, take):
    run(AUGUST, 5)

    (written,) = take()

    event = Event.objects.get(action="usage_archived")
    assert (event.target, event.actor) == (written.file, "")
    assert event.details == {"lines": 1, "settled_ns": 5, "sha256": written.sha256}


class TestTheCommand:
    def test_it_tells_what_it_has_archived_and_keeps_what_is_known_of_problems(self, run, tmp_path):
        usage = run(AUGUST, 5)
        Problem.objects.create(usage=usage, type="ising", solver={}, upstream_id="abc", seen_at=AUGUST)
        out = StringIO()

        call_command("archive_usage", "--before", "2026-09", "--to", str(tmp_path), stdout=out)

        (line,) = lines_in(tmp_path)
        assert (line["problem_upstream_id"], line["problem_type"]) == ("abc", "ising")
        assert not Problem.objects.exists()
        assert out.getvalue().endswith("Archived: 1 jobs in 1 files.\n")

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["--before", "2026", "--to", "."], "must look like 2026-01"),
            (["--before", "2026-01", "--to", "/no/such/folder"], "is no folder"),
            (["--before", "2999-01", "--to", "."], "This month and the last one stay"),
        ],
    )
    def test_it_refuses_nonsense(self, arguments, words):
        with pytest.raises(CommandError, match=words):
            call_command("archive_usage", *arguments)


class TestReadingBack:
    @pytest.fixture
    def printed(self, tmp_path):
        """printed(option=value): the rows that the command prints, by column."""

        def rows(**options):
            out = StringIO()
            wishes = {"from": tmp_path, "since": "2026-01", "until": "2026-12"} | options
            call_command("read_archive", *(f"--{name}={value}" for name, value in wishes.items()), stdout=out)
            return list(csv.DictReader(StringIO(out.getvalue())))

        return rows

    def test_it_prints_what_the_export_printed_before(self, run, take, printed, browser, alice, acme):
        for moment, cost in ((AUGUST, 5), (SEPTEMBER, 7), (SEPTEMBER, None)):
            run(moment, cost, solver="=Advantage")
        url = f"/o/{acme.slug}/usage/everybody.csv?since=2026-08-01&until=2026-09-30"
        export = b"".join(browser(alice).get(url).streaming_content).decode()
        assert len(take()) == 2

        rows = printed()

        before = list(csv.DictReader(StringIO(export)))
        assert [row.pop("problem_upstream_id") for row in rows] == [""] * 3
        assert rows == before[::-1] != []

    def test_it_tells_what_dwave_called_a_problem(self, run, take, printed):
        run(AUGUST, 5)
        take(beside=lambda ids: {pk: {"problem_upstream_id": "abc"} for pk in ids})

        assert [row["problem_upstream_id"] for row in printed()] == ["abc"]

    @pytest.mark.parametrize(
        ("months", "costs"),
        [
            ({"until": "2026-08"}, ["5"]),
            ({"since": "2026-09"}, ["7"]),
            ({"since": "2026-10"}, []),
        ],
    )
    def test_only_some_months(self, run, take, printed, months, costs):
        run(AUGUST, 5)
        run(SEPTEMBER, 7)
        take()

        assert [row["access_time_ns"] for row in printed(**months)] == costs

    def test_only_one_organization(self, run, take, printed, acme, charlie):
        run(AUGUST, 5)
        take()

        assert len(printed(organization=acme.slug)) == 1
        assert printed(organization=charlie.organization.slug) == []
        with pytest.raises(CommandError, match="no organization"):
            printed(organization="nobody")

    def test_who_was_erased_since_stays_erased(self, run, take, printed, bob):
        run(AUGUST, 5)
        take()
        user_id = bob.user_id
        bob.user.delete()

        assert [row["user_email"] for row in printed()] == [pseudonym_of(user_id)]

    def test_nothing_of_a_changed_file_is_printed(self, run, take, printed, tmp_path):
        run(AUGUST, 5)
        (written,) = take()
        (line,) = archive.read(tmp_path / written.file)
        archive.write(tmp_path / written.file, [line | {"access_time_ns": 6}])

        with pytest.raises(CommandError, match=f"{written.file}: was changed"):
            printed()

    def test_the_ledger_is_as_true_afterwards(self, run, take, printed, tmp_path):
        run(AUGUST, 5)
        take()

        printed()

        call_command("check_ledger", archive=tmp_path, stdout=StringIO())
        assert not Usage.objects.exists()
