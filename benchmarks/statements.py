"""What `reserve` and `settle` have the database do for one job on a group quota, in SQL of PostgreSQL and SQLite."""

from datetime import UTC, datetime

RESERVE = [
    """
    INSERT INTO quotas_usage (organization_id, user_id, user_email, token_id, token_name, group_policy_id, source,
        solver, status, estimate_ns, created_at)
    VALUES (1, 1, 'ada@example.com', :policy, 'token', :policy, 'gateway', '', 'reserved', 1000, CURRENT_TIMESTAMP)
    RETURNING id AS line
    """,
    """
    UPDATE quotas_timequotapolicy SET reserved_ns = reserved_ns + 1000
    WHERE id = :policy AND quota_ns - used_ns - reserved_ns >= 1000
        AND starts_at <= CURRENT_TIMESTAMP AND ends_at > CURRENT_TIMESTAMP
    """,
]
SETTLE = [
    """
    UPDATE quotas_usage SET status = 'settled', closed_at = CURRENT_TIMESTAMP, access_time_ns = 1000
    WHERE id = :line AND status = 'reserved'
    """,
    """
    INSERT INTO quotas_dailyusage
        (organization_id, token_id, user_id, day, solver, source, user_email, token_name, settled_ns, jobs)
    VALUES (1, :policy, 1, CURRENT_DATE, '', 'gateway', 'ada@example.com', 'token', 1000, 1)
    ON CONFLICT (token_id, user_id, day, solver, source, user_email, token_name) DO UPDATE
    SET settled_ns = quotas_dailyusage.settled_ns + excluded.settled_ns, jobs = quotas_dailyusage.jobs + 1
    """,
    f"""
    INSERT INTO quotas_usagerollup (organization_id, user_email, day, token_id, token_name, solver, settled_ns, jobs)
    VALUES (1, 'ada@example.com', '{datetime.now(UTC):%Y-%m}-01', 0, '', '', 1000, 1),
        (1, '', CURRENT_DATE, :policy, 'token', '', 1000, 1)
    ON CONFLICT (organization_id, user_email, day, token_id, token_name, solver) DO UPDATE
    SET settled_ns = quotas_usagerollup.settled_ns + excluded.settled_ns, jobs = quotas_usagerollup.jobs + 1
    """,
    """
    UPDATE quotas_timequotapolicy SET used_ns = used_ns + 1000, reserved_ns = reserved_ns - 1000 WHERE id = :policy
    """,
]


def pgbench_script(policies: int) -> str:
    """Both, each in a transaction of its own, on one of the first so many policies."""
    transactions = [["BEGIN;", *map(for_pgbench, statements), "COMMIT;"] for statements in (RESERVE, SETTLE)]
    return "\n".join([f"\\set policy random(1, {policies})", *transactions[0], *transactions[1]])


def for_pgbench(statement: str) -> str:
    """In one line; what is returned becomes a variable."""
    return " ".join(statement.split()) + (" \\gset" if "RETURNING" in statement else ";")
