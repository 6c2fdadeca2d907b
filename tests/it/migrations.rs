//! Migrations are applied, reverted, and applied again.

mod split;

use sigpost_store::{Database, migrate};

use crate::support::TestDatabase;

#[tokio::test]
async fn migrations_are_applied_once() {
    let database = TestDatabase::empty().await;
    let store = Database::new(&database.url, 1).expect("a database");
    let before = migrate::status(&store).await.expect("a status");
    assert!(!before.is_empty() && before.iter().all(|migration| !migration.applied));

    // Two processes that start concurrently.
    let (one, other) = tokio::join!(migrate::up(&store), migrate::up(&store));
    let mut applied = [one.expect("applied"), other.expect("applied")];
    applied.sort_by_key(Vec::len);
    let all: Vec<String> = before.into_iter().map(|migration| migration.name).collect();
    assert_eq!(applied, [vec![], all]);
    assert!(migrate::status(&store).await.expect("a status").iter().all(|migration| migration.applied));
}

#[tokio::test]
async fn every_migration_reverts_and_reapplies_to_the_same_schema() {
    let database = TestDatabase::empty().await;
    let store = Database::new(&database.url, 1).expect("a database");
    let nothing = schema(&database).await;
    let all = migrate::up(&store).await.expect("applied");
    let everything = schema(&database).await;

    for count in 1..=all.len() {
        let down = migrate::down(&store, count).await.expect("taken back");
        assert!(down.iter().eq(all.iter().rev().take(count)));
        assert_eq!(migrate::up(&store).await.expect("applied"), all[all.len() - count..]);
        assert_eq!(schema(&database).await, everything, "after {count} down and up");
    }
    migrate::down(&store, usize::MAX).await.expect("taken back");
    assert_eq!(schema(&database).await, nothing);
}

/// Returns every column, index, constraint, type, function and comment, one per line.
async fn schema(database: &TestDatabase) -> Vec<String> {
    let sql = "
        select format('column %s.%s %s not null: %s default: %s, %s', c.oid::regclass, a.attname,
                      format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid),
                      col_description(c.oid, a.attnum))
        from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
             left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'S')
        union all
        select format('%s %s %s %s', relkind, oid::regclass, reloptions, obj_description(oid, 'pg_class'))
        from pg_class where relnamespace = 'public'::regnamespace
        union all select indexdef from pg_indexes where schemaname = 'public'
        union all
        select format('%s %s', conname, pg_get_constraintdef(oid)) from pg_constraint
        where connamespace = 'public'::regnamespace
        union all
        select format('type %s %s', t.typname, array_agg(e.enumlabel order by e.enumsortorder))
        from pg_type t join pg_enum e on e.enumtypid = t.oid group by t.typname
        union all select pg_get_functiondef(oid) from pg_proc where pronamespace = 'public'::regnamespace
        order by 1";
    let rows = database.query(sql, &[]).await;
    rows.iter().map(|row| row.get::<_, String>(0)).filter(|line| !line.contains("__diesel_schema_migrations")).collect()
}
