//! URL groups: one row each, read and written as a whole.

use std::marker::PhantomData;

use diesel::sql_types::{Array, BigInt, Bool, Text};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use sigpost_qstash::{Endpoint, EndpointRef, UrlGroupDefaults, without_user_info};

use crate::Error;
use crate::page::{PAGE_BYTES, Page, Paged};

/// A URL group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlGroup {
    /// Its name.
    pub name: String,
    /// In the order of their addition; never empty.
    pub endpoints: Vec<Endpoint>,
    /// Default parameters of every publish to it.
    pub defaults: UrlGroupDefaults,
    /// In milliseconds since 1970.
    pub created_at_ms: i64,
    /// The last change, in milliseconds since 1970.
    pub updated_at_ms: i64,
}

/// Limits of URL groups.
#[derive(Clone, Copy, Debug)]
pub struct Most {
    /// Maximum of groups.
    pub groups: usize,
    /// Maximum of endpoints per group.
    pub endpoints: usize,
}

/// The result of an addition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// The endpoints are in the group.
    Yes,
    /// The group would exceed its maximum of endpoints; nothing was changed.
    TooManyEndpoints,
    /// The maximum of groups would be exceeded; nothing was changed.
    TooManyGroups,
}

const COLUMNS: &str = "name, endpoints::text, headers::text, floor(extract(epoch from created_at) * 1000)::bigint,
    floor(extract(epoch from updated_at) * 1000)::bigint ";

statement! {
    List { after: &'a str => Text, count: i64 => BigInt, most_bytes: i64 => BigInt }
    -> ((Text, Text, Text, BigInt, BigInt), Bool);
    "select " [COLUMNS] ", has_more from (
        select g.*, lead(name) over w is not null as has_more,
               sum(octet_length(endpoints::text)) over w - octet_length(endpoints::text) as bytes_before
        from (select * from url_groups where name > " {after} " order by name limit " {count} " + 1) g
        window w as (order by name)
     ) g where bytes_before < " {most_bytes} " order by name limit " {count}
}

statement! {
    Find { names: Vec<&'a str> => Array<Text> } -> (Text, Text, Text, BigInt, BigInt);
    "select " [COLUMNS] "from url_groups where name = any(" {names} ") order by name"
}

type Row = (String, String, String, i64, i64);

fn group((name, endpoints, headers, created_at_ms, updated_at_ms): Row) -> UrlGroup {
    UrlGroup {
        name,
        endpoints: endpoints_of(&endpoints),
        defaults: serde_json::from_str(&headers).unwrap_or_default(),
        created_at_ms,
        updated_at_ms,
    }
}

/// Endpoints were validated when they were stored. One from an older release that is no longer valid is skipped, so
/// that the others stay usable.
fn endpoints_of(json: &str) -> Vec<Endpoint> {
    let stored: Vec<serde_json::Value> = serde_json::from_str(json).unwrap_or_default();
    stored.into_iter().filter_map(|endpoint| serde_json::from_value(endpoint).ok()).collect()
}

/// Returns the groups by name.
pub async fn list(conn: &mut AsyncPgConnection, page: Page<'_>) -> Result<Paged<UrlGroup>, Error> {
    let Page { after, count } = page;
    let rows: Vec<(Row, bool)> =
        List { after, count, most_bytes: PAGE_BYTES, lifetime: PhantomData }.load(conn).await?;
    Ok(Paged::of(rows, |(name, ..)| name.clone()).map(group))
}

/// Returns the existing groups with these names, by name.
pub async fn find_many(conn: &mut AsyncPgConnection, names: Vec<&str>) -> Result<Vec<UrlGroup>, Error> {
    let rows: Vec<Row> = Find { names, lifetime: PhantomData }.load(conn).await?;
    Ok(rows.into_iter().map(group).collect())
}

/// Returns the group of this name.
pub async fn find(conn: &mut AsyncPgConnection, name: &str) -> Result<Option<UrlGroup>, Error> {
    Ok(find_many(conn, vec![name]).await?.into_iter().next())
}

statement! {
    /// Locks a group that is about to be changed, and returns its endpoints.
    Lock { name: &'a str => Text } -> Text;
    "select endpoints::text from url_groups where name = " {name} " for update"
}

statement! {
    /// A conflict waits for a concurrent insert of the same group, and returns its endpoints.
    Insert { name: &'a str => Text, endpoints: &'a str => Text } -> (Bool, BigInt, Text);
    "insert into url_groups as g (name, endpoints) values (" {name} "," {endpoints} "::json)
     on conflict (name) do update set name = excluded.name
     returning xmax = 0, (select count(*) from url_groups), endpoints::text"
}

statement! {
    Update { name: &'a str => Text, endpoints: &'a str => Text } -> Text;
    "update url_groups set endpoints = " {endpoints} "::json, updated_at = now() where name = " {name} " returning name"
}

/// Adds endpoints, and creates the group if necessary. An endpoint with an existing name or URL replaces the existing
/// one.
pub async fn add_endpoints(
    conn: &mut AsyncPgConnection,
    name: &str,
    added: &[Endpoint],
    most: Most,
) -> Result<Added, Error> {
    let new = merged(Vec::new(), added);
    if new.len() > most.endpoints {
        return Ok(Added::TooManyEndpoints);
    }
    let json = json(&new);
    let rejected = conn
        .transaction(async |conn| {
            let insert = Insert { name, endpoints: &json, lifetime: PhantomData };
            let (is_new, others, stored): (bool, i64, String) = insert.get_result(conn).await?;
            if is_new && usize::try_from(others).is_ok_and(|others| others >= most.groups) {
                return Err(Rejected::Because(Added::TooManyGroups));
            }
            if !is_new {
                let endpoints = merged(endpoints_of(&stored), added);
                if endpoints.len() > most.endpoints {
                    return Err(Rejected::Because(Added::TooManyEndpoints));
                }
                update(conn, name, &endpoints).await?;
            }
            Ok(())
        })
        .await;
    match rejected {
        Ok(()) => Ok(Added::Yes),
        Err(Rejected::Because(reason)) => Ok(reason),
        Err(Rejected::Error(error)) => Err(error),
    }
}

/// The reason for a rollback.
enum Rejected {
    Because(Added),
    Error(Error),
}

impl<E: Into<Error>> From<E> for Rejected {
    fn from(error: E) -> Self {
        Self::Error(error.into())
    }
}

/// Removes endpoints; missing ones are ignored. A group without endpoints is deleted. Returns `false` if there is no
/// such group.
pub async fn remove_endpoints(
    conn: &mut AsyncPgConnection,
    name: &str,
    removed: &[EndpointRef],
) -> Result<bool, Error> {
    conn.transaction(async |conn| {
        let stored: Vec<String> = Lock { name, lifetime: PhantomData }.load(conn).await?;
        let Some(stored) = stored.into_iter().next() else { return Ok(false) };
        let mut endpoints = endpoints_of(&stored);
        endpoints.retain(|endpoint| !removed.iter().any(|removed| is_meant(removed, endpoint)));
        if endpoints.is_empty() {
            delete(conn, name).await?;
        } else {
            update(conn, name, &endpoints).await?;
        }
        Ok(true)
    })
    .await
}

async fn update(conn: &mut AsyncPgConnection, name: &str, endpoints: &[Endpoint]) -> Result<(), Error> {
    Update { name, endpoints: &json(endpoints), lifetime: PhantomData }.get_result::<String>(conn).await?;
    Ok(())
}

fn json(value: &(impl serde::Serialize + ?Sized)) -> String {
    // Plain texts cannot fail to serialize.
    serde_json::to_string(value).unwrap_or_default()
}

fn is_meant(reference: &EndpointRef, endpoint: &Endpoint) -> bool {
    match reference {
        EndpointRef::Name(name) => endpoint.name.as_ref() == Some(name),
        EndpointRef::Url(url) => endpoint.url.as_str() == without_user_info(url.clone()).0,
    }
}

/// Names and URLs are unique in a group: an added endpoint with an existing name replaces its URL, and one with an
/// existing URL replaces its name.
fn merged(mut endpoints: Vec<Endpoint>, added: &[Endpoint]) -> Vec<Endpoint> {
    for new in added {
        let same_name = |known: &Endpoint| new.name.is_some() && known.name == new.name;
        let same_url = |known: &Endpoint| known.url.as_str() == new.url.as_str();
        let place = endpoints.iter().position(same_name).or_else(|| endpoints.iter().position(same_url));
        let Some(place) = place else {
            endpoints.push(new.clone());
            continue;
        };
        if let Some(known) = endpoints.get_mut(place) {
            known.url = new.url.clone();
            known.name = new.name.clone().or(known.name.take());
        }
        let mut index = 0..;
        endpoints.retain(|known| index.next() == Some(place) || !same_url(known));
    }
    endpoints
}

statement! {
    SetHeaders { name: &'a str => Text, headers: String => Text } -> Text;
    "update url_groups set headers = " {headers} "::json, updated_at = now() where name = " {name} " returning name"
}

/// Replaces the default parameters of every publish to the group. Returns `false` if there is no such group.
pub async fn set_defaults(
    conn: &mut AsyncPgConnection,
    name: &str,
    defaults: &UrlGroupDefaults,
) -> Result<bool, Error> {
    let statement = SetHeaders { name, headers: json(defaults), lifetime: PhantomData };
    let changed: Vec<String> = statement.load(conn).await?;
    Ok(!changed.is_empty())
}

statement! {
    Delete { name: &'a str => Text } -> Text;
    "delete from url_groups where name = " {name} " returning name"
}

/// Deletes the group; messages that were published to it stay. Returns `false` if there was none.
pub async fn delete(conn: &mut AsyncPgConnection, name: &str) -> Result<bool, Error> {
    let gone: Vec<String> = Delete { name, lifetime: PhantomData }.load(conn).await?;
    Ok(!gone.is_empty())
}

#[cfg(test)]
mod tests {
    use sigpost_qstash::{Destination, Endpoint};

    use super::merged;

    #[test]
    fn names_and_urls_stay_unique_and_everybody_keeps_their_place() {
        let parsed = |list: &str| -> Vec<Endpoint> {
            let endpoint = |text: &str| {
                let (name, host) = text.split_once('=').unwrap_or(("", text));
                let name = (!name.is_empty()).then(|| name.to_owned());
                Endpoint { name, url: Destination::parse(&format!("http://{host}")).unwrap() }
            };
            list.split_whitespace().map(endpoint).collect()
        };
        for (known, added, expected) in [
            ("", "a b", "a b"),
            ("", "a a", "a"),
            ("a b", "c", "a b c"),
            ("a b", "x=a", "x=a b"),
            ("x=a b", "a", "x=a b"),
            ("x=a b", "y=a", "y=a b"),
            ("x=a b", "x=c", "x=c b"),
            ("x=a b c", "x=b", "x=b c"),
            ("b x=a c", "x=b", "x=b c"),
            ("x=a y=b", "y=a", "y=a"),
            ("x=a", "x=b y=a", "x=b y=a"),
        ] {
            assert_eq!(merged(parsed(known), &parsed(added)), parsed(expected), "{known} + {added}");
        }
    }
}
