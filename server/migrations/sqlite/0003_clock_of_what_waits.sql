-- How far the office's clock was ahead of the phone's when the change came, in milliseconds.
alter table waiting add column ahead_ms bigint;
