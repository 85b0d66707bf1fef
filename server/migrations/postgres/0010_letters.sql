-- The public half of the key by which a device signs its letters: a point of P-256, uncompressed. It stays when its person
-- leaves: what they wrote before may still be on its way.
create table device_key (
    worker_id text   not null,
    device    text   not null,
    public    bytea  not null,
    since     bigint not null,
    constraint device_key_pk primary key (worker_id, device, public)
);
create index device_key_by_device on device_key (device);
