"""How much QPU access time there is (policies) and how much was taken (the ledger). Durations are nanoseconds."""

from datetime import date, datetime
from typing import Any, ClassVar, Self, TypeVar

from django.db import connection, connections, models
from django.db.models import Count, F, Q, Sum
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from organizations.models import Membership
from tokens.models import QpuToken

from .policies import MAX_NS, Limit, Subject, Window

# Jobs lock the policies of a token in this order. Who locks several must do the same, or two may wait for each other.
LOCK_ORDER = F("member").asc(nulls_first=True)


# What every job has the database do, in SQL, which Django would take longer to write than databases to run it.
# First of all what quotas.policies.Limit decides.
# A difference, because the sum with what is needed could exceed what a database integer holds.
TAKE_ROOM = """
    UPDATE quotas_timequotapolicy SET reserved_ns = reserved_ns + %s
    WHERE id = %s AND quota_ns - used_ns - reserved_ns >= %s AND starts_at <= %s AND ends_at > %s
"""

GIVE_BACK = "UPDATE quotas_timequotapolicy SET used_ns = used_ns + %s, reserved_ns = reserved_ns - %s WHERE id = %s"
CLOSE = """
    UPDATE quotas_usage SET status = %s, closed_at = %s, access_time_ns = %s WHERE id = %s AND status = 'reserved'
"""


class TimeQuotaPolicyQuerySet(models.QuerySet["TimeQuotaPolicy"]):
    def of_group(self) -> Self:
        return self.filter(member=None)

    def of_members(self) -> Self:
        return self.filter(member__isnull=False)

    def limiting(self, member: Membership) -> Self:
        """The policies that jobs of this member must fit into: the groups' first, then the member's own."""
        return self.filter(Q(member=None) | Q(member=member)).order_by(LOCK_ORDER)

    def applying_to(self, token: QpuToken, member: Membership) -> Self:
        return self.limiting(member).filter(token=token)

    @staticmethod
    def give_back(policy_id: int, *, reserved_ns: int, used_ns: int) -> None:
        """Free what a job has reserved and count what it has used, if the policy is still there."""
        with connection.cursor() as cursor:
            cursor.execute(GIVE_BACK, [used_ns, reserved_ns, policy_id])


def cascade_in_lock_order(collector: Any, field: models.ForeignKey, policies: models.QuerySet, using: str) -> None:
    """CASCADE for rows that jobs book on meanwhile: a DELETE alone would lock them in any order."""
    if connections[using].in_atomic_block:
        list(policies.order_by(LOCK_ORDER).select_for_update())
    models.CASCADE(collector, field, policies, using)


class TimeQuotaPolicy(models.Model):
    """How much QPU access time of a group token may be spent, by everybody together or by one member, and when.

    `used_ns` and `reserved_ns` are kept by quotas.services alone; check_ledger proves them against the usage rows.
    """

    token = models.ForeignKey("tokens.QpuToken", cascade_in_lock_order, related_name="quotas")
    member = models.ForeignKey(
        "organizations.Membership",
        models.CASCADE,
        null=True,
        blank=True,
        related_name="quotas",
        help_text="Whom it limits; everybody together if empty.",
    )
    quota_ns = models.BigIntegerField(help_text="Nanoseconds; zero blocks.")
    used_ns = models.BigIntegerField(default=0, editable=False)
    reserved_ns = models.BigIntegerField(default=0, editable=False)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()

    objects: ClassVar[TimeQuotaPolicyQuerySet] = TimeQuotaPolicyQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name_plural = "time quota policies"
        constraints = [
            models.UniqueConstraint(fields=["token"], condition=Q(member=None), name="one_group_quota_per_token"),
            models.UniqueConstraint(fields=["token", "member"], name="one_quota_per_token_and_member"),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="quota_ends_after_it_starts"),
            models.CheckConstraint(
                condition=Q(quota_ns__gte=0, used_ns__gte=0, reserved_ns__gte=0), name="quota_is_never_negative"
            ),
            # So that no arithmetic on these can leave what a database integer holds, where SQLite would begin to round.
            models.CheckConstraint(condition=Q(used_ns__lte=MAX_NS - F("reserved_ns")), name="quota_can_be_counted"),
        ]

    def __str__(self) -> str:
        return f"{self.subject} quota on {self.token}"

    @property
    def subject(self) -> Subject:
        return Subject.GROUP if self.member_id is None else Subject.USER

    @property
    def window(self) -> Window:
        return Window(self.starts_at, self.ends_at)

    @property
    def limit(self) -> Limit:
        """What quotas.policies decides on."""
        return Limit(self.subject, self.quota_ns, self.used_ns, self.reserved_ns, self.window)

    def take_room(self, needed_ns: int, now: datetime) -> bool:
        """Reserve `needed_ns` if the policy is in force and has so much left, checked and booked by one statement."""
        moment = connection.ops.adapt_datetimefield_value(now)
        with connection.cursor() as cursor:
            cursor.execute(TAKE_ROOM, [needed_ns, self.pk, needed_ns, moment, moment])
            return bool(cursor.rowcount)


M = TypeVar("M", bound=models.Model)


class OfJobsQuerySet(models.QuerySet[M]):
    """Rows about jobs, which say whose these were by bare ids."""

    def of_member(self, member: Membership) -> Self:
        """The member's own, on tokens of their organization and on personal ones."""
        here = Q(organization_id=member.organization_id) | Q(organization_id=None)
        return self.filter(here, user_id=member.user_id)

    def of_organization(self, member: Membership) -> Self:
        """Everybody's on group tokens of the member's organization."""
        return self.filter(organization_id=member.organization_id)


class UsageQuerySet(OfJobsQuerySet["Usage"]):
    def open(self) -> Self:
        return self.filter(status=Usage.Status.RESERVED)

    def settled(self) -> Self:
        return self.filter(status=Usage.Status.SETTLED)

    def totals(self) -> dict[str, int]:
        """How many jobs these are, and what they have reserved together."""
        return self.aggregate(jobs=Count("pk"), reserved_ns=Sum("estimate_ns", default=0))


class Usage(models.Model):
    """One job's line in the ledger: reserved before it starts, then settled or released, once.

    Lines outlive what they speak of. That is why they hold bare ids and no foreign keys: nothing is rewritten when a
    token, a policy or a member goes, and names are kept as text.
    """

    class Status(models.TextChoices):
        RESERVED = "reserved", "Open"
        SETTLED = "settled", "Settled"
        RELEASED = "released", "Released"

    class Source(models.TextChoices):
        GATEWAY = "gateway", "Ocean SDK"
        SOLVE_JOB = "solve_job", "Luna SDK"

    organization_id = models.BigIntegerField(null=True, help_text="Empty for jobs on personal tokens.")
    user_id = models.BigIntegerField()
    user_email = models.EmailField()
    token_id = models.BigIntegerField()
    token_name = models.CharField(max_length=128)
    group_policy_id = models.BigIntegerField(null=True)
    user_policy_id = models.BigIntegerField(null=True)
    source = models.CharField(max_length=20, choices=Source)
    solver = models.CharField(max_length=100, blank=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.RESERVED)
    estimate_ns = models.BigIntegerField(help_text="What was reserved.")
    access_time_ns = models.BigIntegerField(null=True, help_text="What it really cost; null unless settled.")
    created_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    left_ns: int | None = None  # not stored: what was left for a next job when this one was booked

    objects: ClassVar[UsageQuerySet] = UsageQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name_plural = "usage"
        indexes = [
            models.Index(fields=["organization_id", "id"], name="usage_of_organization"),
            models.Index(fields=["user_id", "id"], name="usage_of_user"),
            models.Index(fields=["organization_id", "user_email", "id"], name="usage_of_organization_user"),
            models.Index(fields=["organization_id", "token_name", "id"], name="usage_of_organization_token"),
            # For what is asked of some days: to find them by falling id, all that came later would have to be read.
            models.Index(fields=["organization_id", "created_at", "id"], name="usage_of_organization_at"),
            models.Index(fields=["user_id", "created_at", "id"], name="usage_of_user_at"),
            models.Index(fields=["created_at"], condition=Q(status="reserved"), name="usage_open"),
            models.Index(fields=["user_id", "token_id"], condition=Q(status="reserved"), name="usage_open_of_user"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(estimate_ns__gt=0), name="usage_estimate_is_positive"),
            models.CheckConstraint(
                condition=Q(status="settled", access_time_ns__gte=0, closed_at__isnull=False)
                | Q(status="released", access_time_ns=None, closed_at__isnull=False)
                | Q(status="reserved", access_time_ns=None, closed_at=None),
                name="usage_is_open_settled_or_released",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.status} {self.estimate_ns} ns on {self.token_name} by {self.user_email}"

    def close(self, status: Status, now: datetime, access_time_ns: int | None) -> bool:
        """Close the line if it is open; only one of all who try at the same time succeeds."""
        moment = connection.ops.adapt_datetimefield_value(now)
        with connection.cursor() as cursor:
            cursor.execute(CLOSE, [status, moment, access_time_ns, self.pk])
            return bool(cursor.rowcount)


class SumsQuerySet(OfJobsQuerySet[M]):
    """Rows of days."""

    def between(self, first: date, last: date) -> Self:
        """From one day to another, both included."""
        return self.filter(day__gte=first, day__lte=last)


class DailyUsage(models.Model):
    """What the settled jobs of a day add up to, by user, token, solver and source; kept by quotas.daily alone.

    Like the lines of the ledger, it keeps names as they were when the jobs began.
    """

    organization_id = models.BigIntegerField(null=True, help_text="Empty for jobs on personal tokens.")
    token_id = models.BigIntegerField()
    user_id = models.BigIntegerField()
    day = models.DateField(help_text="The day (UTC) on which the jobs were booked.")
    solver = models.CharField(max_length=100, blank=True)
    source = models.CharField(max_length=20, choices=Usage.Source)
    user_email = models.EmailField()
    token_name = models.CharField(max_length=128)
    settled_ns = models.BigIntegerField()
    jobs = models.BigIntegerField()

    objects: ClassVar[SumsQuerySet["DailyUsage"]] = SumsQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name_plural = "daily usage"
        constraints = [
            # No need for the organization: a token never changes hers.
            models.UniqueConstraint(
                fields=["token_id", "user_id", "day", "solver", "source", "user_email", "token_name"],
                name="one_row_per_day_and_kind_of_job",
            ),
            models.CheckConstraint(condition=Q(settled_ns__gte=0, settled_ns__lte=MAX_NS), name="day_can_be_counted"),
        ]
        indexes = [
            models.Index(fields=["organization_id", "day"], name="day_of_organization"),
            models.Index(fields=["user_id", "day"], name="day_of_user"),
            models.Index(fields=["organization_id", "user_email", "day"], name="day_of_organization_user"),
        ]

    def __str__(self) -> str:
        return f"{self.settled_ns} ns on {self.token_name} by {self.user_email} on {self.day}"


class Archive(models.Model):
    """A file with lines that were taken out of the ledger: closed jobs of one month. Written by quotas.archive."""

    file = models.CharField(max_length=60, unique=True)
    sha256 = models.CharField(max_length=64)
    month = models.DateField(help_text="The first day of the month (UTC) in which the jobs were booked.")
    lines = models.PositiveIntegerField()
    settled_ns = models.BigIntegerField(help_text="What the settled ones of them add up to.")
    written_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.file


class ArchivedUsage(models.Model):
    """What settled lines in a file add up to, by all that policies and days are proven by.

    It stands for them: what a policy has used is the sum of its settled lines and of its rows here.
    """

    archive = models.ForeignKey(Archive, models.PROTECT, related_name="sums")
    organization_id = models.BigIntegerField(null=True)
    token_id = models.BigIntegerField()
    user_id = models.BigIntegerField()
    day = models.DateField()
    solver = models.CharField(max_length=100, blank=True)
    source = models.CharField(max_length=20, choices=Usage.Source)
    user_email = models.EmailField()
    token_name = models.CharField(max_length=128)
    group_policy_id = models.BigIntegerField(null=True)
    user_policy_id = models.BigIntegerField(null=True)
    total_ns = models.BigIntegerField()
    total_jobs = models.BigIntegerField()

    class Meta:
        verbose_name_plural = "archived usage"

    def __str__(self) -> str:
        return f"{self.total_ns} ns on {self.token_name} by {self.user_email} on {self.day}, in {self.archive}"


class UsageRollupQuerySet(SumsQuerySet["UsageRollup"]):
    def everybodys(self) -> Self:
        """Sums by day, token and solver."""
        return self.filter(user_email="")

    def members(self) -> Self:
        """Sums by member and month."""
        return self.exclude(user_email="")


class UsageRollup(models.Model):
    """What DailyUsage adds up to on group tokens, for the questions that would have to read most of it.

    Two kinds of rows: everybody's by day, token and solver (without an email address), and a member's by month (without
    a token and a solver; `day` is the first of the month). Kept by quotas.daily alone.
    """

    organization_id = models.BigIntegerField()
    user_email = models.EmailField(blank=True)
    day = models.DateField()
    token_id = models.BigIntegerField(default=0)
    token_name = models.CharField(max_length=128, blank=True)
    solver = models.CharField(max_length=100, blank=True)
    settled_ns = models.BigIntegerField()
    jobs = models.BigIntegerField()

    objects: ClassVar[UsageRollupQuerySet] = UsageRollupQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization_id", "user_email", "day", "token_id", "token_name", "solver"],
                name="one_rollup_of_a_kind",
            ),
            models.CheckConstraint(
                condition=Q(settled_ns__gte=0, settled_ns__lte=MAX_NS), name="rollup_can_be_counted"
            ),
        ]
        indexes = [models.Index(fields=["organization_id", "day"], name="rollup_of_organization")]

    def __str__(self) -> str:
        return (
            f"{self.settled_ns} ns on {self.token_name or 'all tokens'} by {self.user_email or 'all'} from {self.day}"
        )


class RefusedJobsQuerySet(OfJobsQuerySet["RefusedJobs"]):
    def since(self, day: date) -> Self:
        """Refused on that day or later."""
        return self.filter(day__gte=day)


class RefusedJobs(models.Model):
    """Jobs of one user on one token that were refused on one day for the same reason; kept by quotas.refusals alone.

    They are counted, so that a program which does not stop asking adds no rows. What stands beside the count is of the
    last one.
    """

    class Reason(models.TextChoices):
        GROUP_NOT_STARTED = "group_not_started", _("The group quota had not begun")
        GROUP_ENDED = "group_ended", _("The group quota had ended")
        GROUP_EXHAUSTED = "group_exhausted", _("The group quota left too little")
        USER_NOT_STARTED = "user_not_started", _("The user quota had not begun")
        USER_ENDED = "user_ended", _("The user quota had ended")
        USER_EXHAUSTED = "user_exhausted", _("The user quota left too little")
        SOLVER = "solver", _("The rules of the token do not allow this solver")
        TOO_LARGE = "too_large", _("The rules of the token do not allow jobs of this size")
        TOO_MANY_OPEN = "too_many_open", _("Too many jobs were open at once")

    organization_id = models.BigIntegerField(null=True, help_text="Empty for jobs on personal tokens.")
    user_id = models.BigIntegerField()
    token_id = models.BigIntegerField()
    day = models.DateField(help_text="The day (UTC) on which they were refused.")
    reason = models.CharField(max_length=20, choices=Reason)
    jobs = models.BigIntegerField(help_text="How many.")
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    user_email = models.EmailField()
    token_name = models.CharField(max_length=128)
    source = models.CharField(max_length=20, choices=Usage.Source)
    solver = models.CharField(max_length=100, blank=True)
    needed_ns = models.BigIntegerField()
    left_ns = models.BigIntegerField(null=True, help_text="What the policy had left; empty if a rule refused.")
    changes_at = models.DateTimeField(null=True, help_text="When a quota that had not begun begins.")

    objects: ClassVar[RefusedJobsQuerySet] = RefusedJobsQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name_plural = "refused jobs"
        constraints = [
            models.UniqueConstraint(fields=["user_id", "token_id", "day", "reason"], name="one_row_per_day_and_reason"),
        ]
        indexes = [
            models.Index(fields=["organization_id", "day"], name="refused_in_organization"),
            models.Index(fields=["user_id", "day"], name="refused_to_user"),
            models.Index(fields=["day"], name="refused_on_day"),
        ]

    def __str__(self) -> str:
        return f"{self.jobs} refused on {self.token_name} by {self.user_email} on {self.day}: {self.reason}"

    @property
    def advice(self) -> str | Promise:
        """What changes it, where no date does."""
        return ADVICE.get(self.reason, "")


ADVICE: dict[str, Promise] = {
    RefusedJobs.Reason.GROUP_ENDED: _("An admin can extend it."),
    RefusedJobs.Reason.USER_ENDED: _("An admin can extend it."),
    RefusedJobs.Reason.GROUP_EXHAUSTED: _("Open jobs may give back some when they end; an admin can raise it."),
    RefusedJobs.Reason.USER_EXHAUSTED: _("Open jobs may give back some when they end; an admin can raise it."),
    RefusedJobs.Reason.SOLVER: _("Choose another solver; an admin can allow this one."),
    RefusedJobs.Reason.TOO_LARGE: _("Ask for fewer reads or a shorter anneal; an admin can raise the limit."),
    RefusedJobs.Reason.TOO_MANY_OPEN: _("Wait until one of them has ended."),
}
