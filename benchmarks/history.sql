-- A year of JOBS jobs of MEMBERS members on TOKENS tokens, for PostgreSQL.
-- However many there are, every list that is measured has a full page: every fifth job is the first member's, every
-- tenth one of her solve jobs, every tenth was given back, and the last 60 are open.

CREATE TEMPORARY VIEW job AS
    SELECT
        number,
        now() - interval '365 days' * (1 - number::float / JOBS) AS created_at,
        CASE WHEN number % 5 = 0 THEN 1 ELSE 1 + number / 5 % MEMBERS END AS person,
        1 + number % TOKENS AS token,
        CASE WHEN number % 10 = 0 THEN 'solve_job' ELSE 'gateway' END AS source,
        CASE WHEN number % 3 = 0 THEN 'Advantage_system6.4' ELSE 'Advantage2_system1.1' END AS solver,
        CASE WHEN number > JOBS - 60 THEN 'reserved' WHEN number % 10 = 1 THEN 'released' ELSE 'settled' END AS status
    FROM generate_series(1, JOBS) AS number;

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
FROM quotas_usage WHERE status = 'settled' GROUP BY 1, 2, 3, 4, 5, 6, 7, 8;

INSERT INTO audit_event (at, action, actor_id, actor, key, organization_id, target_type, target_id, target, details)
SELECT created_at, CASE WHEN number % 20 = 0 THEN 'token_renamed' ELSE 'quota_changed' END, person, 'ada@example.com',
    '', 1, 'qpu token', token, 'lab', '{}'
FROM job WHERE number % 10 = 0 ORDER BY number;
