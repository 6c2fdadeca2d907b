//! The schema in Postgres.

use std::collections::BTreeMap;

use sigpost_store::{Database, diagnosis};

use crate::support::TestDatabase;

/// diesel's table definitions are written by hand, so this test compares them.
const DIESEL: &str = include_str!("../../shared/store/src/schema.rs");

#[tokio::test]
async fn tables_match_their_diesel_definitions() {
    let database = TestDatabase::new().await;
    let sql = "select table_name::text, column_name::text, is_nullable = 'YES',
                      coalesce(nullif(ltrim(udt_name, '_'), ''), udt_name)::text, data_type = 'ARRAY', data_type = 'USER-DEFINED'
               from information_schema.columns
               join information_schema.tables using (table_schema, table_name)
               where table_schema = 'public' and table_type = 'BASE TABLE' and table_name !~ '_\\d{8}$|_default$|^__diesel'
               order by table_name, ordinal_position";
    let mut tables: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in database.query(sql, &[]).await {
        let (table, column): (String, String) = (row.get(0), row.get(1));
        let (nullable, udt, array, is_enum): (bool, String, bool, bool) =
            (row.get(2), row.get(3), row.get(4), row.get(5));
        let mut of_diesel = if is_enum { "Text".to_owned() } else { type_name(&udt).to_owned() };
        if array {
            of_diesel = format!("Array<{of_diesel}>");
        }
        if nullable {
            of_diesel = format!("Nullable<{of_diesel}>");
        }
        tables.entry(table).or_default().push(format!("{column} -> {of_diesel}"));
    }
    assert_eq!(declared(), tables);
}

/// Returns the columns of each `diesel::table!`, in order.
fn declared() -> BTreeMap<String, Vec<String>> {
    let (tables, _views) = DIESEL.split_once("// Views.").expect("views");
    let tables = tables.split("diesel::table! {").skip(1).map(|declaration| {
        let (name, rest) = declaration.split_once('(').expect("a primary key");
        let (_, rest) = rest.split_once('{').expect("columns");
        let (columns, _) = rest.split_once('}').expect("an end");
        let columns = columns.lines().map(|line| line.trim().trim_end_matches(',')).filter(|line| !line.is_empty());
        (name.trim().to_owned(), columns.map(str::to_owned).collect())
    });
    tables.collect()
}

fn type_name(of_postgres: &str) -> &str {
    match of_postgres {
        "bool" => "Bool",
        "bytea" => "Bytea",
        "float8" => "Double",
        "int4" => "Integer",
        "int8" => "BigInt",
        "json" => "Json",
        "jsonb" => "Jsonb",
        "text" => "Text",
        "timestamptz" => "Timestamptz",
        "uuid" => "Uuid",
        other => other,
    }
}

#[tokio::test]
async fn every_foreign_key_has_an_index() {
    let database = TestDatabase::new().await;
    let sql = "select conrelid::regclass || '.' || conname from pg_constraint
               where contype = 'f' and connamespace = 'public'::regnamespace and not exists (
                   -- A partial index serves if it leaves out only rows that refer to nothing.
                   select from pg_index where indrelid = conrelid
                   and (indpred is null or pg_get_expr(indpred, indrelid) = format('(%s IS NOT NULL)', (
                       select attname from pg_attribute where attrelid = conrelid and attnum = conkey[1])))
                   and (indkey::int2[])[0:cardinality(conkey) - 1] operator(pg_catalog.@>) conkey
               )";
    let missing: Vec<String> = database.query(sql, &[]).await.iter().map(|row| row.get(0)).collect();
    assert_eq!(missing, Vec::<String>::new());
}

/// Fails with the command that updates the description, or updates it if `SIGPOST_RENEW_SCHEMA` is set.
#[tokio::test]
async fn schema_description_matches_the_migrations() {
    let database = TestDatabase::new().await;
    let store = Database::new(&database.url, 1).expect("a database");
    let present = diagnosis::schema::present(&mut store.connection().await.expect("a connection")).await;
    let present = present.expect("the schema");
    if std::env::var_os("SIGPOST_RENEW_SCHEMA").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/store/src/diagnosis/schema.json");
        std::fs::write(path, diagnosis::schema::written(&present)).expect("written");
        return;
    }
    let changed = "a migration has changed the schema: run SIGPOST_RENEW_SCHEMA=1 cargo test -p tests --test it -- \
                   schema_description, and review the diff of shared/store/src/diagnosis/schema.json";
    assert!(present == diagnosis::schema::wanted(), "{changed}");
}
