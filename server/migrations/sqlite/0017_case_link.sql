-- Which case names which as being of the same person: whoever begins to see one, or no longer does, is shown the other
-- anew. Ids only. A row stays when the link is taken back.
create table case_link (
    log     text not null, -- of the case that names
    subject text not null,
    other   text not null,
    constraint case_link_pk primary key (log, subject, other)
);
create index case_link_by_other on case_link (other);
