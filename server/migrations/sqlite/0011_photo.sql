-- Photos that a change has announced, and the sealed bytes that came of them. The key of each lies in the sealed part of
-- its case: these tables alone show nobody. They are found by the photo's name, which is random.

create table photo (
    photo        text   not null,
    log          text   not null, -- of the change that announced it
    subject      text   not null,
    change_id    text   not null,
    author       text   not null,
    bytes        bigint not null, -- as announced
    sha256       bytea  not null, -- of the sealed bytes, as announced
    announced_at bigint not null,
    received     bigint not null, -- so many bytes from the beginning are in photo_chunk
    spoiled      bigint not null, -- how often all bytes were there and were not what was announced
    complete_at  bigint,
    removed_at   bigint,
    constraint photo_pk primary key (photo)
);
create index photo_by_change on photo (change_id);
create index photo_by_author on photo (author, announced_at);

create table photo_chunk (
    photo text   not null,
    start bigint not null,
    body  bytea  not null,
    constraint photo_chunk_pk primary key (photo, start),
    constraint photo_chunk_photo_fk foreign key (photo) references photo (photo)
);
