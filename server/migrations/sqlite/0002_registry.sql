-- The registry. Bodies are sealed under the office's key; every other column holds ids, codes, days, keyed hashes or
-- what anybody may know of a place. Columns are text, bigint or bytea only; times are milliseconds since 1970.
-- `log` leads the primary key of everything that belongs to a log.

-- Nobody has a login outside a demo before this migration.
delete from session;
delete from worker_login;
alter table worker_login drop column worker;
alter table worker_login rename column user_name to user_name_hash;

create table office (
    name  text not null, -- key_check, roster
    value text not null,
    constraint office_pk primary key (name)
);

create table place (
    place_id     text   not null,
    name         text   not null,
    kind         text   not null,
    parent       text,
    valid_from   text   not null, -- YYYY-MM-DD
    valid_to     text,
    successor    text,
    old_names    text   not null, -- JSON
    latitude_e6  bigint,
    longitude_e6 bigint,
    constraint place_pk primary key (place_id),
    constraint place_kind_known check (kind in ('province', 'commune', 'ward', 'special_zone', 'village'))
);

create table worker (
    worker_id text   not null,
    body      bytea  not null, -- name, address, phone
    since     bigint not null,
    constraint worker_pk primary key (worker_id)
);

-- One role in one area or at one facility; the other of the two is empty.
create table grant_row (
    worker_id text   not null,
    role      text   not null,
    area      text   not null,
    facility  text   not null,
    since     bigint not null,
    constraint grant_row_pk primary key (worker_id, role, area, facility),
    constraint grant_row_worker_fk foreign key (worker_id) references worker (worker_id)
);

-- Officer and deputies for restricted cases.
create table officer (
    place_id  text   not null,
    position  bigint not null,
    worker_id text   not null,
    constraint officer_pk primary key (place_id, position),
    constraint officer_worker_fk foreign key (worker_id) references worker (worker_id)
);

create table emergency_number (
    place_id text   not null, -- * holds everywhere
    position bigint not null,
    kind     text   not null,
    body     bytea  not null, -- name, phone
    constraint emergency_number_pk primary key (place_id, position)
);

-- The counter of each log: taken last in a transaction, without gaps.
create table log (
    log   text   not null,
    seq   bigint not null,
    chain bytea  not null, -- of the change at seq
    constraint log_pk primary key (log)
);

create table subject (
    log     text   not null,
    subject text   not null,
    born    bigint not null, -- seq of its first change
    code    bytea,           -- keyed hash of the case code
    reach   text,            -- who sees a case, domain::Reach as JSON: ids and place codes
    constraint subject_pk primary key (log, subject),
    constraint subject_unique unique (subject)
);
create index subject_by_code on subject (code);

create table change (
    log         text   not null,
    seq         bigint not null,
    id          text   not null,
    subject     text   not null,
    author      text   not null,
    device      text   not null,
    n           bigint not null,
    recorded_at bigint not null,
    received_at bigint not null,
    replaces    text,
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
    log     text   not null,
    subject text   not null,
    key     text   not null,
    seq     bigint not null,
    gone    bigint not null,
    body    bytea  not null,
    constraint part_pk primary key (log, subject, key)
);
create index part_by_seq on part (log, seq);

-- What stands at each position of a worker's or a facility's log.
create table mark (
    log text   not null,
    seq bigint not null,
    id  text   not null,
    constraint mark_pk primary key (log, seq)
);

create table sight (
    log         text   not null,
    seq         bigint not null,
    subject     text   not null,
    subject_log text   not null,
    shown       bigint not null,
    constraint sight_pk primary key (log, seq)
);
create index sight_by_subject on sight (log, subject_log, shown);

-- Everybody who wrote something in a log: their names must be readable where their work is.
create table author (
    log       text not null,
    worker_id text not null,
    constraint author_pk primary key (log, worker_id)
);

create table waiting (
    log         text   not null,
    id          text   not null,
    on_change   text   not null,
    author      text   not null,
    device      text   not null,
    received_at bigint not null,
    digest      bytea  not null,
    grants      text   not null, -- at the device's last contact
    raw         bytea  not null,
    constraint waiting_pk primary key (log, id),
    constraint waiting_id_unique unique (id)
);
create index waiting_by_on on waiting (on_change);

create table quarantine (
    log         text   not null,
    id          text   not null,
    author      text   not null,
    device      text   not null,
    received_at bigint not null,
    why         text   not null, -- unknown, rights, damaged, or a domain::Refusal as JSON
    digest      bytea  not null,
    grants      text   not null,
    raw         bytea  not null,
    constraint quarantine_pk primary key (log, id),
    constraint quarantine_id_unique unique (id)
);

create table device (
    worker_id  text   not null,
    device     text   not null,
    first_at   bigint not null,
    contact_at bigint not null,
    grants     text   not null, -- at the last contact, JSON
    constraint device_pk primary key (worker_id, device)
);

-- Append-only: each row's hash covers the one before it in its log.
create table audit (
    log       text   not null,
    n         bigint not null,
    at        bigint not null,
    worker_id text   not null,
    device    text   not null,
    what      text   not null,
    about     text   not null,
    chain     bytea  not null,
    constraint audit_pk primary key (log, n)
);
create trigger audit_is_not_rewritten before update on audit begin select raise(abort, 'audit is append-only'); end;
create trigger audit_is_not_deleted before delete on audit begin select raise(abort, 'audit is append-only'); end;
create trigger change_is_not_rewritten before update on change begin select raise(abort, 'changes are immutable'); end;
create trigger change_is_not_deleted before delete on change begin select raise(abort, 'changes are immutable'); end;
