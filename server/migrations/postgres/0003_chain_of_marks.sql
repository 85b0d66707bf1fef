-- A position stands for the whole log up to it: after a restored backup the same change may take the same one again.
alter table mark add column chain bytea;
