-- Who may sign in, and who is signed in. Times are milliseconds since 1970.

create table worker_login (
    worker_id     text   not null,
    user_name     text   not null,
    password_hash text   not null, -- Argon2id in PHC form
    worker        text   not null, -- domain::Worker as JSON
    created_at    bigint not null,
    disabled_at   bigint,
    constraint worker_login_pk primary key (worker_id),
    constraint worker_login_user_name_unique unique (user_name)
);

create table session (
    token_hash   bytea  not null, -- SHA-256: the token itself is only in the person's cookie
    worker_id    text   not null,
    face         text   not null, -- field or office
    created_at   bigint not null,
    last_used_at bigint not null,
    expires_at   bigint not null,
    constraint session_pk primary key (token_hash),
    constraint session_worker_fk foreign key (worker_id) references worker_login (worker_id) on delete cascade,
    constraint session_face_known check (face in ('field', 'office'))
);

create index session_by_worker on session (worker_id);
create index session_by_expiry on session (expires_at);

-- Failed log-ins per user name and per address, so that a restart does not make guessing cheaper.
create table login_wait (
    key       bytea  not null, -- hash of the user name or the address
    failures  bigint not null,
    failed_at bigint not null,
    open_at   bigint not null,
    constraint login_wait_pk primary key (key)
);
