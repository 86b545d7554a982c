"""What an admin should know at a glance: how long quotas will last, and what wants attention. Nanoseconds."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

from django.db.models import Count, F, Max, Min, Sum
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.templatetags.moments import day as shown_day
from organizations.models import Membership
from tokens.models import QpuToken, TokenScope
from tokens.pages import token_url

from .daily import day_of
from .forecast import LOOK_BACK, Forecast, Outlook, forecast
from .member_quotas import ENDING_SOON
from .models import RefusedJobs, RefusedJobsQuerySet, TimeQuotaPolicy, TimeQuotaPolicyQuerySet, Usage, UsageRollup
from .periods import Span

DAYS = 30
SOON = timedelta(days=14)
INVITATION_SOON = timedelta(days=2)
MOST_QUOTAS = 50
MOST_OF_A_KIND = 5


@dataclass(frozen=True)
class QuotaRow:
    """A group quota, and how it goes on."""

    policy: TimeQuotaPolicy
    forecast: Forecast


@dataclass(frozen=True)
class Concern:
    """Something that wants attention, in a sentence, and where it is mended."""

    text: str | SafeString
    url: str
    action: str
    is_urgent: bool = False


@dataclass(frozen=True)
class RefusedLately:
    """Whose jobs were refused, on which token, why, and how often."""

    user_email: str
    token_name: str
    reason: RefusedJobs.Reason
    jobs: int
    last_at: datetime


class Overview:
    """The state of the member's organization at a moment."""

    def __init__(self, admin: Membership, now: datetime) -> None:
        self.admin, self.now = admin, now
        self.organization = admin.organization
        self.tokens = QpuToken.objects.of(admin, TokenScope.GROUP)

    @cached_property
    def quotas(self) -> list[QuotaRow]:
        """The group quotas, by name of their tokens (two queries)."""
        policies = TimeQuotaPolicy.objects.of_group().filter(token__in=self.tokens)
        found = list(policies.select_related("token").defer("token__secret").order_by("token__name")[:MOST_QUOTAS])
        spent = self.spent_by_day([policy.token_id for policy in found])
        return [QuotaRow(policy, forecast(policy.limit, spent[policy.token_id], self.now)) for policy in found]

    def spent_by_day(self, token_ids: list[int]) -> dict[int, dict[date, int]]:
        """Nanoseconds by token and day, as far back as forecasts look."""
        rows = UsageRollup.objects.of_organization(self.admin).everybodys().filter(token_id__in=token_ids)
        rows = rows.between(day_of(self.now - LOOK_BACK), day_of(self.now))
        sums = rows.values("token_id", "day").annotate(settled=Sum("settled_ns")).order_by()
        spent: dict[int, dict[date, int]] = defaultdict(dict)
        for token_id, day, settled_ns in sums.values_list("token_id", "day", "settled"):
            spent[token_id][day] = int(settled_ns)
        return spent

    @cached_property
    def open_jobs(self) -> dict[str, object]:
        """How many jobs are `open`, and `since` when the oldest of them is (one query)."""
        jobs = Usage.objects.of_organization(self.admin).open()
        return jobs.aggregate(count=Count("pk"), since=Min("created_at"))

    @cached_property
    def refused(self) -> dict[str, Any]:
        """How many `jobs` were refused in the last weeks, and the `last` moment of one (one query)."""
        return self.refused_jobs().aggregate(jobs=Sum("jobs", default=0), last=Max("last_at"))

    @cached_property
    def most_refused(self) -> list[RefusedLately]:
        """Whom the portal refused most often, where, and why (one query)."""
        groups = self.refused_jobs().values("user_email", "token_name", "reason")
        found = groups.annotate(times=Sum("jobs"), last=Max("last_at")).order_by("-times", "-last")[:MOST_OF_A_KIND]
        return [
            RefusedLately(
                row["user_email"],
                row["token_name"],
                RefusedJobs.Reason(row["reason"]),
                int(row["times"]),
                row["last"],
            )
            for row in found
        ]

    def refused_jobs(self) -> RefusedJobsQuerySet:
        span = Span.of_days(DAYS, day_of(self.now))
        return RefusedJobs.objects.of_organization(self.admin).since(span.first)

    @cached_property
    def concerns(self) -> list[Concern]:
        """What wants attention, the urgent first."""
        found = [
            *self.concerns_about_tokens(),
            *self.concerns_about_quotas(),
            *self.concerns_about_spent_quotas(),
            *self.concerns_about_ending_quotas(),
            *self.concerns_about_invitations(),
            *self.concerns_about_sign_in(),
        ]
        return sorted(found, key=lambda concern: not concern.is_urgent)

    def concerns_about_tokens(self) -> Iterator[Concern]:
        failing = self.tokens.filter(works=False).order_by("name")
        for token in failing[:MOST_OF_A_KIND]:
            text = _("%(provider)s does not accept the token %(token)s. Nobody can use it.")
            named = {"provider": token.get_provider_display(), "token": token}
            yield Concern(text % named, self.url_of(token), _("Look at the token"), is_urgent=True)

    def concerns_about_quotas(self) -> Iterator[Concern]:
        for row in self.quotas:
            text, is_urgent = self.worry_about(row)
            if text:
                yield Concern(text, self.url_of(row.policy.token, "token-quotas"), _("Change the quota"), is_urgent)

    def worry_about(self, row: QuotaRow) -> tuple[str, bool]:
        """What is to be said of a group quota; nothing if all is well."""
        name, ends_at, at = row.policy.token.name, row.policy.ends_at, row.forecast.at
        match row.forecast.outlook:
            case Outlook.USED_UP:
                return format_html(_("The group quota on {token} is used up. No job can start."), token=name), True
            case Outlook.ENDED:
                text = _("The group quota on {token} ended on {day}. No job can start.")
                return format_html(text, token=name, day=shown_day(ends_at)), True
            case Outlook.RUNS_OUT if at and at - self.now < SOON:
                text = _("At this pace the group quota on {token} is gone on {day}.")
                return format_html(text, token=name, day=shown_day(at)), False
            case outlook if outlook is not Outlook.NOT_STARTED and ends_at - self.now < SOON:
                text = _("The group quota on {token} ends on {day}. Nobody can use it from then on.")
                return format_html(text, token=name, day=shown_day(ends_at)), False
        return "", False

    def concerns_about_spent_quotas(self) -> Iterator[Concern]:
        spent = TimeQuotaPolicy.objects.filter(quota_ns__gt=0, used_ns__gte=F("quota_ns"), ends_at__gt=self.now)
        for token, count in self.members_by_token(spent):
            text = ngettext(
                "%(count)d member has used up their quota on %(token)s.",
                "%(count)d members have used up their quotas on %(token)s.",
                count,
            )
            named = {"count": count, "token": token.name}
            yield Concern(text % named, self.url_of(token, "token-quotas"), _("Look at the quotas"))

    def concerns_about_ending_quotas(self) -> Iterator[Concern]:
        ending = TimeQuotaPolicy.objects.filter(ends_at__range=(self.now, self.now + ENDING_SOON))
        for token, count in self.members_by_token(ending):
            text = ngettext(
                "The quota of %(count)d member on %(token)s ends within a week.",
                "The quotas of %(count)d members on %(token)s end within a week.",
                count,
            )
            named = {"count": count, "token": token.name}
            yield Concern(text % named, f"{self.url_of(token, 'token-quotas')}?kind=ending", _("Show whose"))

    def members_by_token(self, policies: TimeQuotaPolicyQuerySet) -> Iterator[tuple[QpuToken, int]]:
        """On which tokens most members have such a quota of their own, and how many (one query)."""
        groups = policies.of_members().filter(token__in=self.tokens).values("token__name")
        most = groups.annotate(count=Count("pk")).order_by("-count", "token__name")[:MOST_OF_A_KIND]
        for row in most:
            yield QpuToken(organization=self.organization, name=row["token__name"]), row["count"]

    def concerns_about_invitations(self) -> Iterator[Concern]:
        pending = self.organization.invitations.pending()
        if count := pending.filter(expires_at__lt=self.now + INVITATION_SOON).count():
            text = ngettext(
                "%(count)d invitation expires soon, or has expired.",
                "%(count)d invitations expire soon, or have expired.",
                count,
            )
            yield Concern(text % {"count": count}, self.page("invitations"), _("Send again"))

    def concerns_about_sign_in(self) -> Iterator[Concern]:
        if count := self.organization.memberships.with_second_factor(False).count():
            text = ngettext(
                "%(count)d member signs in without a second factor.",
                "%(count)d members sign in without a second factor.",
                count,
            )
            yield Concern(text % {"count": count}, f"{self.page('members')}?factor=no", _("Show who"))

    def page(self, url_name: str) -> str:
        return reverse(url_name, args=[self.organization.slug])

    def url_of(self, token: QpuToken, url_name: str = "token") -> str:
        return token_url(url_name, self.admin, token)
