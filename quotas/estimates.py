"""Better estimates of jobs that are booked already: what was reserved beyond them is given back before the job runs."""

from django.db import transaction
from django.db.models import F

from .models import TimeQuotaPolicy, Usage


@transaction.atomic
def lower_estimate(*, usage: Usage, estimate_ns: int) -> bool:
    """Reserve only `estimate_ns` from now on. False, and nothing done, if the line has been closed or changed before.

    ValueError for more than is reserved: that would have to be let through by the policies.
    """
    if not 0 < estimate_ns <= usage.estimate_ns:
        raise ValueError("An estimate can only be lowered.")
    open_line = Usage.objects.open().filter(pk=usage.pk, estimate_ns=usage.estimate_ns)
    if not open_line.update(estimate_ns=estimate_ns):
        return False
    freed_ns, usage.estimate_ns = usage.estimate_ns - estimate_ns, estimate_ns
    for policy_id in (usage.group_policy_id, usage.user_policy_id):  # in the order in which jobs lock them
        if policy_id is not None:
            TimeQuotaPolicy.objects.filter(pk=policy_id).update(reserved_ns=F("reserved_ns") - freed_ns)
    return True
