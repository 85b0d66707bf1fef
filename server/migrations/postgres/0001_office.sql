-- The office on PostgreSQL: the tables of ../sqlite (a test compares them), and `turn`.
-- Text is compared byte by byte, as there.

-- Who may sign in, and who is signed in. Times are milliseconds since 1970.

create table worker_login (
    worker_id      text collate "C" not null,
    user_name_hash text collate "C" not null,
    password_hash  text collate "C" not null, -- Argon2id in PHC form
    created_at     bigint not null,
    disabled_at    bigint,
    constraint worker_login_pk primary key (worker_id),
    constraint worker_login_user_name_unique unique (user_name_hash)
);

create table session (
    token_hash   bytea  not null, -- SHA-256: the token itself is only in the person's cookie
    worker_id    text collate "C" not null,
    face         text collate "C" not null, -- field or office
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

-- The registry. Bodies are sealed under the office's key; every other column holds ids, codes, days, keyed hashes or
-- what anybody may know of a place. Columns are text, bigint or bytea only; times are milliseconds since 1970.
-- `log` leads the primary key of everything that belongs to a log.

create table office (
    name  text collate "C" not null, -- key_check, roster
    value text collate "C" not null,
    constraint office_pk primary key (name)
);

create table place (
    place_id     text collate "C" not null,
    name         text collate "C" not null,
    kind         text collate "C" not null,
    parent       text collate "C",
    valid_from   text collate "C" not null, -- YYYY-MM-DD
    valid_to     text collate "C",
    successor    text collate "C",
    old_names    text collate "C" not null, -- JSON
    latitude_e6  bigint,
    longitude_e6 bigint,
    constraint place_pk primary key (place_id),
    constraint place_kind_known check (kind in ('province', 'commune', 'ward', 'special_zone', 'village'))
);

create table worker (
    worker_id text collate "C" not null,
    body      bytea  not null, -- name, address, phone
    since     bigint not null,
    constraint worker_pk primary key (worker_id)
);

-- One role in one area or at one facility; the other of the two is empty.
create table grant_row (
    worker_id text collate "C" not null,
    role      text collate "C" not null,
    area      text collate "C" not null,
    facility  text collate "C" not null,
    since     bigint not null,
    constraint grant_row_pk primary key (worker_id, role, area, facility),
    constraint grant_row_worker_fk foreign key (worker_id) references worker (worker_id)
);

-- Officer and deputies for restricted cases.
create table officer (
    place_id  text collate "C" not null,
    position  bigint not null,
    worker_id text collate "C" not null,
    constraint officer_pk primary key (place_id, position),
    constraint officer_worker_fk foreign key (worker_id) references worker (worker_id)
);

create table emergency_number (
    place_id text collate "C" not null, -- * holds everywhere
    position bigint not null,
    kind     text collate "C" not null,
    body     bytea  not null, -- name, phone
    constraint emergency_number_pk primary key (place_id, position)
);

-- The counter of each log: taken last in a transaction, without gaps.
create table log (
    log   text collate "C" not null,
    seq   bigint not null,
    chain bytea  not null, -- of the change at seq
    constraint log_pk primary key (log)
);

create table subject (
    log     text collate "C" not null,
    subject text collate "C" not null,
    born    bigint not null, -- seq of its first change
    code    bytea,           -- keyed hash of the case code
    reach   text collate "C",            -- who sees a case, domain::Reach as JSON: ids and place codes
    constraint subject_pk primary key (log, subject),
    constraint subject_unique unique (subject)
);
create index subject_by_code on subject (code);

create table change (
    log         text collate "C" not null,
    seq         bigint not null,
    id          text collate "C" not null,
    subject     text collate "C" not null,
    author      text collate "C" not null,
    device      text collate "C" not null,
    n           bigint not null,
    recorded_at bigint not null,
    received_at bigint not null,
    replaces    text collate "C",
    digest      bytea  not null, -- keyed hash of the change
    chain       bytea  not null, -- keyed hash of the chain before and of this row
    body        bytea  not null, -- domain::Entry: the change with its receipt
    constraint change_pk primary key (log, seq),
    constraint change_id_unique unique (id)
);
create index change_by_subject on change (log, subject, seq);
create index change_by_device on change (log, device, seq);
create index change_by_replaces on change (replaces) where replaces is not null;

-- Parts of subjects in place logs; sheets in the logs of their facilities.
create table part (
    log     text collate "C" not null,
    subject text collate "C" not null,
    key     text collate "C" not null,
    seq     bigint not null,
    gone    bigint not null,
    body    bytea  not null,
    constraint part_pk primary key (log, subject, key)
);
create index part_by_seq on part (log, seq);

-- What stands at each position of a worker's or a facility's log.
create table mark (
    log text collate "C" not null,
    seq bigint not null,
    id  text collate "C" not null,
    constraint mark_pk primary key (log, seq)
);

create table sight (
    log         text collate "C" not null,
    seq         bigint not null,
    subject     text collate "C" not null,
    subject_log text collate "C" not null,
    shown       bigint not null,
    constraint sight_pk primary key (log, seq)
);
create index sight_by_subject on sight (log, subject_log, shown);

-- Everybody who wrote something in a log: their names must be readable where their work is.
create table author (
    log       text collate "C" not null,
    worker_id text collate "C" not null,
    constraint author_pk primary key (log, worker_id)
);

create table waiting (
    log         text collate "C" not null,
    id          text collate "C" not null,
    on_change   text collate "C" not null,
    author      text collate "C" not null,
    device      text collate "C" not null,
    received_at bigint not null,
    digest      bytea  not null,
    grants      text collate "C" not null, -- at the device's last contact
    raw         bytea  not null,
    ahead_ms    bigint,          -- how far the office's clock was ahead of the phone's when the change came
    constraint waiting_pk primary key (log, id),
    constraint waiting_id_unique unique (id)
);
create index waiting_by_on on waiting (on_change);

create table quarantine (
    log         text collate "C" not null,
    id          text collate "C" not null,
    author      text collate "C" not null,
    device      text collate "C" not null,
    received_at bigint not null,
    why         text collate "C" not null, -- unknown, rights, damaged, or a domain::Refusal as JSON
    digest      bytea  not null,
    grants      text collate "C" not null,
    raw         bytea  not null,
    constraint quarantine_pk primary key (log, id),
    constraint quarantine_id_unique unique (id)
);

create table device (
    worker_id  text collate "C" not null,
    device     text collate "C" not null,
    first_at   bigint not null,
    contact_at bigint not null,
    grants     text collate "C" not null, -- at the last contact, JSON
    constraint device_pk primary key (worker_id, device)
);

-- Append-only: each row's hash covers the one before it in its log.
create table audit (
    log       text collate "C" not null,
    n         bigint not null,
    at        bigint not null,
    worker_id text collate "C" not null,
    device    text collate "C" not null,
    what      text collate "C" not null,
    about     text collate "C" not null,
    chain     bytea  not null,
    constraint audit_pk primary key (log, n)
);

create function is_not_rewritten() returns trigger language plpgsql as $$
begin
    raise exception '% is append-only', tg_table_name;
end $$;
create trigger audit_is_not_rewritten before update or delete on audit for each row execute function is_not_rewritten();
create trigger change_is_not_rewritten before update or delete on change for each row execute function is_not_rewritten();

-- A row stands here only while a transaction has the turn for a name (a subject, a change, a device), whether or not that
-- is in any other table yet. Nothing of it need survive a crash.
create unlogged table turn (
    name text collate "C" not null,
    constraint turn_pk primary key (name)
);
