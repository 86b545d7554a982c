-- A year of JOBS jobs of MEMBERS members on TOKENS tokens, for PostgreSQL, up to this moment.
-- However many there are, 1,000 at least, pages show as much. At least 600 are of the last 30 days, 20 a day, and of each
-- 20 some are of the same five members, on all tokens, given back, or followed by others that were refused; of the last
-- 600, 60 are open. So lists have a full page and charts all bars, today's too, because all were booked before this hour.

CREATE TEMPORARY VIEW job AS
    SELECT
        number,
        date_trunc('day', now()) - interval '1 day' * floor(days_ago)
            + (1 - days_ago + floor(days_ago)) * (now() - date_trunc('day', now())) AS created_at,
        CASE number % 20
            WHEN 0 THEN 1 WHEN 10 THEN 1 WHEN 15 THEN 1 WHEN 2 THEN 2 WHEN 4 THEN 3 WHEN 6 THEN 4 WHEN 8 THEN 5
            ELSE 2 + (hashint8(number) & 1048575) % (MEMBERS - 1)
        END AS person,
        1 + number % TOKENS AS token,
        CASE WHEN number % 10 = 0 THEN 'solve_job' ELSE 'gateway' END AS source,
        CASE WHEN number % 3 = 0 THEN 'Advantage_system6.4' ELSE 'Advantage2_system1.1' END AS solver,
        CASE
            WHEN number > JOBS - 600 AND number % 10 = 3 THEN 'reserved' WHEN number % 10 = 1 THEN 'released'
            ELSE 'settled'
        END AS status
    FROM (
        SELECT
            number,
            CASE WHEN number > JOBS - recent THEN 30 * (JOBS - number)::float / recent
                ELSE 30 + 335 * (JOBS - recent - number)::float / (JOBS - recent) END AS days_ago
        FROM generate_series(1, JOBS::bigint) AS number, (SELECT greatest(600, JOBS::bigint * 30 / 365) AS recent) AS _
    ) AS numbered;

INSERT INTO quotas_usage (id, organization_id, user_id, user_email, token_id, token_name, group_policy_id, source,
    solver, status, estimate_ns, access_time_ns, created_at, closed_at)
SELECT number, 1, person, CASE person WHEN 1 THEN 'ada@example.com' ELSE 'member' || person || '@example.com' END,
    token, CASE token WHEN 1 THEN 'lab' ELSE 'token ' || token - 1 END, CASE token WHEN 1 THEN 1 END, source,
    solver, status, 20000000, CASE status WHEN 'settled' THEN 15000000 + number % 1000 END,
    created_at, CASE WHEN status <> 'reserved' THEN created_at + interval '2 seconds' END
FROM job ORDER BY number;

INSERT INTO gateway_problem (usage_id, endpoint, upstream_id, type, solver, conversion_rate, label, status,
    submitted_on, solved_on, seen_at, secret_version, booked_at)
SELECT number, 'https://cloud.dwavesys.com/sapi/v2/', 'problem-' || number, 'ising', jsonb_build_object('name', solver),
    1, '', CASE status WHEN 'settled' THEN 'COMPLETED' WHEN 'released' THEN 'CANCELLED' ELSE 'PENDING' END,
    '', '', created_at, 1, created_at
FROM job WHERE source = 'gateway' ORDER BY number;

INSERT INTO solving_solvejob (id, membership_id, organization_id, turn, result_size, with_timing, usage_id, token_id, name, provider, solver, parameters, qpu, status,
    stage, error_message, created_at, started_at, ended_at, worker, attempts, result, summary)
SELECT number, 1, 1, number, 0, false, number, token, 'job ' || number, 'dwave', 'QA', '{}', solver, 'DONE',
    '', '', created_at, created_at, created_at, '', 1, '', '{}'
FROM job WHERE source = 'solve_job' ORDER BY number;

INSERT INTO quotas_dailyusage
    (organization_id, token_id, user_id, day, solver, source, user_email, token_name, settled_ns, jobs)
SELECT 1, token_id, user_id, (created_at AT TIME ZONE 'UTC')::date, solver, source, user_email, token_name,
    sum(access_time_ns), count(*)
FROM quotas_usage WHERE status = 'settled' GROUP BY 1, 2, 3, 4, 5, 6, 7, 8 ORDER BY 4;

INSERT INTO quotas_refusedjobs (organization_id, user_id, user_email, token_id, token_name, day, reason, jobs,
    first_at, last_at, source, solver, needed_ns, left_ns)
SELECT 1, user_id, user_email, token_id, token_name, (created_at AT TIME ZONE 'UTC')::date,
    CASE token_id WHEN 1 THEN 'user_exhausted' ELSE 'group_exhausted' END, count(*), min(created_at), max(created_at),
    'gateway', 'Advantage_system6.4', 20000000, 0
FROM quotas_usage WHERE id % 5 = 0 AND created_at > now() - interval '90 days' GROUP BY 2, 3, 4, 5, 6, 7 ORDER BY 6;

INSERT INTO audit_event (at, action, actor_id, actor, key, organization_id, target_type, target_id, target, details)
SELECT created_at, CASE WHEN number % 20 = 0 THEN 'token_renamed' ELSE 'quota_changed' END, person, 'ada@example.com',
    '', 1, 'qpu token', token, 'lab', '{}'
FROM job WHERE number % 10 = 0 ORDER BY number;
