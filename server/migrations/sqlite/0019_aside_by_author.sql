-- How much somebody has left for others to read within a day.
create index quarantine_by_author on quarantine (author, received_at);
create index waiting_by_author on waiting (author, received_at);
