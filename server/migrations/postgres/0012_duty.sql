-- Who is on duty where, in the order in which they are told; a place without rows is served by its supervisors.
create table duty (
    place_id  text collate "C" not null,
    position  bigint not null,
    worker_id text collate "C" not null,
    constraint duty_pk primary key (place_id, position),
    constraint duty_worker_fk foreign key (worker_id) references worker (worker_id)
);

-- Emergencies that nobody with the duty to look has seen: what domain::duty::unseen says of each case.
create table emergency (
    log       text collate "C" not null,
    subject   text collate "C" not null,
    change_id text collate "C" not null, -- that told of it
    since     bigint not null, -- received by the office
    by_worker text collate "C" not null,
    constraint emergency_pk primary key (log, subject)
);
create index emergency_by_since on emergency (since);

-- Each time that somebody was told of one, or it was tried.
create table duty_step (
    log        text collate "C" not null,
    subject    text collate "C" not null,
    emergency  text collate "C" not null, -- the change that told of it
    step       bigint not null,
    worker_id  text collate "C" not null,
    at         bigint not null,
    change_id  text collate "C" not null, -- under which the case's history says so
    outcome    text collate "C" not null,
    settled_at bigint,
    constraint duty_step_pk primary key (log, subject, emergency, step),
    constraint duty_step_outcome_known check (outcome in ('trying', 'reached', 'failed', 'dropped'))
);
create index duty_step_open on duty_step (at) where outcome = 'trying';

-- Each way by which it was tried.
create table duty_send (
    log       text collate "C" not null,
    subject   text collate "C" not null,
    emergency text collate "C" not null,
    step      bigint not null,
    way       text collate "C" not null, -- sms, or push: and the keyed hash of the address
    tries     bigint not null,
    next_at   bigint not null,
    outcome   text collate "C" not null,
    status    bigint not null, -- of the last answer; 0: there was none
    done_at   bigint,
    constraint duty_send_pk primary key (log, subject, emergency, step, way),
    constraint duty_send_outcome_known check (outcome in ('trying', 'sent', 'failed', 'dropped'))
);
create index duty_send_open on duty_send (next_at) where outcome = 'trying';

-- Where a session's browser is called; gone with the session.
create table push_subscription (
    token_hash bytea  not null,
    worker_id  text collate "C" not null,
    endpoint   text collate "C" not null, -- keyed hash of the address
    body       bytea  not null, -- the address
    since      bigint not null,
    constraint push_subscription_pk primary key (token_hash),
    constraint push_subscription_session_fk foreign key (token_hash) references session (token_hash) on delete cascade
);
create index push_subscription_by_worker on push_subscription (worker_id);
create index push_subscription_by_endpoint on push_subscription (endpoint);

-- What one server at a time does for all.
create table lease (
    name       text collate "C" not null,
    holder     text collate "C" not null,
    held_until bigint not null,
    constraint lease_pk primary key (name)
);
