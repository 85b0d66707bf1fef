-- What a supervisor decided about a change that was set aside. The row stays: nothing that somebody wrote is thrown away.
alter table quarantine add column settled_at bigint;
alter table quarantine add column settled_by text collate "C";
alter table quarantine add column taken bigint; -- 1: it stands in its case now; 0: put away, with a reason
alter table quarantine add column reason bytea; -- sealed
create index quarantine_open on quarantine (received_at) where settled_at is null;
