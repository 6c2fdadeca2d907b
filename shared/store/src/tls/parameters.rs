//! TLS parameters of Postgres URLs that the driver does not support.

use std::borrow::Cow;
use std::path::PathBuf;

/// A URL for the driver, and the file of authorities, if the URL names one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parameters<'a> {
    pub(super) url: Cow<'a, str>,
    pub(super) root_file: Option<PathBuf>,
}

impl<'a> Parameters<'a> {
    /// Removes `sslrootcert` (a path; `system` is the default), and replaces the values `verify-ca` and `verify-full`
    /// of `sslmode` by `require`, which is equivalent here: certificates are always verified.
    pub(super) fn of(url: &'a str) -> Self {
        let Some((before, query)) = url.split_once('?') else {
            return Self { url: Cow::Borrowed(url), root_file: None };
        };
        let mut root_file = None;
        let mut kept = Vec::new();
        for parameter in query.split('&') {
            match parameter.split_once('=') {
                Some(("sslrootcert", path)) => {
                    let path = percent_encoding::percent_decode_str(path).decode_utf8_lossy();
                    root_file = (path != "system").then(|| PathBuf::from(&*path));
                }
                Some(("sslmode", "verify-ca" | "verify-full")) => kept.push("sslmode=require"),
                _ => kept.push(parameter),
            }
        }
        let url = if kept.is_empty() { before.to_owned() } else { format!("{before}?{}", kept.join("&")) };
        Self { url: Cow::Owned(url), root_file }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn driver_is_given_what_it_knows() {
        for (url, known, file) in [
            ("postgres://u:p@h/d", "postgres://u:p@h/d", None),
            ("postgres://u:p@h/d?sslmode=verify-full", "postgres://u:p@h/d?sslmode=require", None),
            ("postgres://h/d?sslrootcert=/etc/my%20ca.pem", "postgres://h/d", Some("/etc/my ca.pem")),
            (
                "postgres://h/d?application_name=a&sslrootcert=ca.pem&sslmode=verify-ca",
                "postgres://h/d?application_name=a&sslmode=require",
                Some("ca.pem"),
            ),
            ("postgres://h/d?sslrootcert=system&sslmode=disable", "postgres://h/d?sslmode=disable", None),
            ("host=h dbname=d", "host=h dbname=d", None),
        ] {
            let expected = Parameters { url: known.into(), root_file: file.map(PathBuf::from) };
            assert_eq!(Parameters::of(url), expected, "{url}");
        }
    }
}
