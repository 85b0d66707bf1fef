-- What somebody could do before all of it was taken away, so that a mistake can be put right: domain::Grant as JSON.
alter table worker_login add column revoked_grants text;
-- Communes and provinces that a place lay in before, as JSON: cases of that time lie in their logs.
alter table place add column former_parents text;
-- The position at which a part came to be: whoever read the log no further than that never had it.
alter table part add column born bigint;
-- What waits for a change may wait under another name than its id: the opening of its subject.
alter table quarantine add column opens text;
-- Set aside because this was put away; it waits again when that is taken back.
alter table quarantine add column on_change text;
