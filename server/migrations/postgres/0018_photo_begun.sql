-- When the first of its bytes came: from then on all that was announced counts for its author's day.
alter table photo add column begun_at bigint;
create index photo_by_begun on photo (author, begun_at) where begun_at is not null;
