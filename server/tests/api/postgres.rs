//! What only PostgreSQL does. Without `TEST_DATABASE_URL` there is none, and nothing here is tested.

use domain::laws::{MORNING, Pen};
use domain::{Registry, Verdict};
use server::database::{self, Place};

use crate::support::{Office, on_postgres};

#[tokio::test]
async fn a_push_that_is_chosen_to_give_way_is_tried_again() {
    if !on_postgres() {
        return;
    }
    let office = Office::open().await;
    let sql = "create sequence asked;
        create function give_way() returns trigger language plpgsql as $$ begin
            if nextval('asked') = 1 then raise exception 'a deadlock' using errcode = 'deadlock_detected'; end if;
            if currval('asked') = 2 then raise exception 'too late' using errcode = 'serialization_failure'; end if;
            return new;
        end $$;
        create trigger give_way before insert on change for each row execute function give_way()";
    sqlx::raw_sql(sql).execute(&office.staff.pool).await.unwrap();
    let (registry, pen) = (office.registry(), Pen::new(office.village.lan, 1));
    let case = pen.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    let said = registry.push(&pen.session(), pen.batch(&[&case]), MORNING).await.unwrap();
    assert!(matches!(said[0], Verdict::Accepted { .. }), "{said:?}");
    let asked =
        sqlx::query_scalar::<_, i64>("select last_value from asked").fetch_one(&office.staff.pool).await.unwrap();
    assert_eq!((asked, office.count("change").await, office.count("turn").await), (3, 1, 0));
    office.assert_sound().await;
}

#[tokio::test]
async fn a_change_that_another_transaction_is_about_to_write_is_waited_for() {
    if !on_postgres() {
        return;
    }
    let office = Office::open().await;
    let (registry, pen) = (office.registry(), Pen::new(office.village.lan, 1));
    let case = pen.open("a1", Some("Hoàng Thị Mỷ"), vec![]);
    let mut other = database::begin(&office.staff.pool).await.unwrap();
    let names = [case.id.to_string()].into();
    database::take_turns(&mut other, &names).await.unwrap();
    let push = tokio::spawn({
        let (session, batch) = (pen.session(), pen.batch(&[&case]));
        async move { registry.push(&session, batch, MORNING).await }
    });
    let waits = "select count(*) from pg_locks where not granted";
    while sqlx::query_scalar::<_, i64>(waits).fetch_one(&office.staff.pool).await.unwrap() == 0 {
        tokio::task::yield_now().await;
    }
    assert!(!push.is_finished());
    database::end_turns(&mut other, &names).await.unwrap();
    other.commit().await.unwrap();
    assert!(matches!(push.await.unwrap().unwrap()[0], Verdict::Accepted { .. }));
}

#[tokio::test]
async fn both_databases_have_the_same_tables() {
    if !on_postgres() {
        return;
    }
    let office = Office::open().await;
    let sqlite = database::open(&Place::File(office.folder.join("beside.db"))).await.unwrap();
    type Column = (String, String, String, i64);
    let of_sqlite = sqlx::query_as::<_, Column>(
        "select m.name, c.name, lower(c.type), c.\"notnull\" from sqlite_master m, pragma_table_info(m.name) c
         where m.type = 'table' and m.name not like '%sqlx%' order by m.name, c.name",
    );
    let of_postgres = sqlx::query_as::<_, Column>(
        "select table_name::text, column_name::text, data_type::text, case is_nullable when 'NO' then 1 else 0 end
         from information_schema.columns
         where table_schema = 'public' and table_name not like '%sqlx%' and table_name <> 'turn'
         order by table_name collate \"C\", column_name collate \"C\"",
    );
    let here = of_sqlite.fetch_all(&sqlite).await.unwrap();
    assert!(here.len() > 80, "{}", here.len());
    assert_eq!(here, of_postgres.fetch_all(&office.staff.pool).await.unwrap());
}
