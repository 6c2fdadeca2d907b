//! The root of the OpenAPI document.

use serde_json::{Map, Value, json};
use sigpost_qstash::ErrorBody;
use sigpost_qstash::names::TOKEN_PARAMETER;

use super::operation::{operation, operation_id};
use super::types::Types;
use super::{parameters, rejections};
use crate::route::Section;

const ABOUT: &str = "The QStash API with sigpost's extensions, which are marked with `x-sigpost-extension`. \
    Each `Upstash-*` header can be sent as a query parameter of the same name in lower case. \
    Responses omit fields without a value. Every response has the header `Sigpost-Request-Id`. \
    Times are Unix timestamps in milliseconds unless stated otherwise.";

/// Returns the OpenAPI document of the routes.
pub(crate) fn document(sections: &[Section]) -> Value {
    let mut types = Types::new();
    let paths = paths(sections, &mut types);
    let rejections = rejections::all(&types.answers.subschema_for::<ErrorBody>().to_value());
    let tags = sections.iter().map(|section| json!({ "name": section.name, "description": section.about }));
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "sigpost",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": { "name": env!("CARGO_PKG_LICENSE"), "identifier": env!("CARGO_PKG_LICENSE") },
        },
        "tags": tags.collect::<Value>(),
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A token with the scope that the operation names, or with the scope `full`.",
                },
                "tokenInQuery": {
                    "type": "apiKey",
                    "in": "query",
                    "name": TOKEN_PARAMETER,
                    "description": "The same token as a query parameter, for clients that cannot set headers.",
                },
            },
            "parameters": parameters::options(),
            "responses": rejections,
            "schemas": types.into_schemas(),
        },
    })
}

fn paths(sections: &[Section], types: &mut Types) -> Value {
    let mut paths = Map::new();
    for section in sections {
        for route in section.routes.iter().filter(|route| route.is_documented) {
            let mut id = Some(operation_id(route));
            for path in &route.paths {
                // OpenAPI has no wildcard parameters.
                let path = path.replace("{*", "{");
                let item = paths.entry(path.clone()).or_insert_with(|| json!({}));
                for method in &route.methods {
                    let mut operation = operation(section.name, route, method, &path, types);
                    // Only the canonical path and method have the operation ID.
                    match id.take() {
                        Some(id) => operation["operationId"] = id.into(),
                        None => {
                            let first = format!("{} {}", route.methods[0], route.paths[0].replace("{*", "{"));
                            operation["description"] = format!("Alias of `{first}`.").into();
                        }
                    }
                    item[method.as_str().to_ascii_lowercase()] = operation;
                }
            }
        }
    }
    paths.into()
}

#[cfg(test)]
mod tests {
    use crate::router::sections;

    #[test]
    fn a_route_that_is_not_in_the_document_shares_its_path_with_one_that_is() {
        let routes: Vec<_> = sections().into_iter().flat_map(|section| section.routes).collect();
        let (documented, others): (Vec<_>, Vec<_>) = routes.into_iter().partition(|route| route.is_documented);
        for path in others.into_iter().flat_map(|route| route.paths) {
            assert!(documented.iter().any(|route| route.paths.contains(&path)), "{path}");
        }
    }
}
