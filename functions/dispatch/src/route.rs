//! Routes: paths, methods, handler and OpenAPI documentation.

use std::sync::Arc;

use axum::Router;
use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{MethodFilter, MethodRouter};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use sigpost_qstash::options::parameters::UsedBy;

use crate::api::parameter::Parameter;
use crate::state::State;

/// Generates the JSON schema of a type.
pub(crate) type Describe = fn(&mut SchemaGenerator) -> Schema;

/// A group of routes, a tag in the OpenAPI document.
pub(crate) struct Section {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) routes: Vec<Route>,
}

/// One operation of the API, at one path or at several.
pub(crate) struct Route {
    /// The handler's name, from which the `operationId` is made: `get_message`.
    pub(crate) name: &'static str,
    /// More than one where clients differ; the first is canonical.
    pub(crate) methods: Vec<Method>,
    /// In axum's syntax. More than one where clients differ; the first is canonical.
    pub(crate) paths: Vec<&'static str>,
    pub(crate) summary: &'static str,
    /// Whether QStash lacks this operation.
    pub(crate) is_extension: bool,
    query: &'static [&'static [Parameter]],
    /// The kind of `Upstash-*` parameters that the operation accepts, if any.
    pub(crate) options: Option<UsedBy>,
    pub(crate) body: Body,
    pub(crate) answers: Vec<Answer>,
    /// Error statuses in addition to those that many routes share.
    pub(crate) rejections: &'static [u16],
    /// False for routes that only return errors.
    pub(crate) is_documented: bool,
    /// `None` if the wildcard of another route handles this path.
    handler: Option<MethodRouter<Arc<State>>>,
}

/// The body of a request.
#[derive(Clone, Copy)]
pub(crate) enum Body {
    None,
    /// Any payload, delivered unchanged.
    Payload,
    Json(Describe),
    /// The query parameters as JSON, in place of the query.
    JsonOfQuery,
}

/// A success response.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) about: &'static str,
    pub(crate) body: Describe,
}

pub(crate) fn get<H: Handler<T, Arc<State>>, T: 'static>(
    path: &'static str,
    handler: H,
    summary: &'static str,
) -> Route {
    route([Method::GET], path, handler, summary)
}

pub(crate) fn post<H: Handler<T, Arc<State>>, T: 'static>(
    path: &'static str,
    handler: H,
    summary: &'static str,
) -> Route {
    route([Method::POST], path, handler, summary)
}

pub(crate) fn patch<H: Handler<T, Arc<State>>, T: 'static>(
    path: &'static str,
    handler: H,
    summary: &'static str,
) -> Route {
    route([Method::PATCH], path, handler, summary)
}

pub(crate) fn delete<H: Handler<T, Arc<State>>, T: 'static>(
    path: &'static str,
    handler: H,
    summary: &'static str,
) -> Route {
    route([Method::DELETE], path, handler, summary)
}

/// Creates a route for several methods.
pub(crate) fn route<H: Handler<T, Arc<State>>, T: 'static, const N: usize>(
    methods: [Method; N],
    path: &'static str,
    handler: H,
    summary: &'static str,
) -> Route {
    let filters = methods.iter().filter_map(|method| MethodFilter::try_from(method.clone()).ok());
    let handler = filters.fold(MethodRouter::new(), |router, filter| router.on(filter, handler.clone()));
    // `dispatch::api::messages::get_message`.
    let name = std::any::type_name::<H>().rsplit("::").next().unwrap_or_default();
    Route { handler: Some(handler), ..described(name, methods, path, summary) }
}

/// Creates a route for the OpenAPI document only: the wildcard of another route handles it.
pub(crate) fn described<const N: usize>(
    name: &'static str,
    methods: [Method; N],
    path: &'static str,
    summary: &'static str,
) -> Route {
    Route {
        name,
        methods: methods.into(),
        paths: vec![path],
        summary,
        is_extension: false,
        query: &[],
        options: None,
        body: Body::None,
        answers: Vec::new(),
        rejections: &[],
        is_documented: true,
        handler: None,
    }
}

impl Route {
    /// Adds an alias path.
    pub(crate) fn also_at(mut self, path: &'static str) -> Self {
        self.paths.push(path);
        self
    }

    /// Marks an operation that QStash lacks.
    pub(crate) fn extension(mut self) -> Self {
        self.is_extension = true;
        self
    }

    /// Omits the route from the OpenAPI document: it only returns errors, or another route documents it.
    pub(crate) fn undocumented(mut self) -> Self {
        self.is_documented = false;
        self
    }

    pub(crate) fn query(mut self, parameters: &'static [&'static [Parameter]]) -> Self {
        self.query = parameters;
        self
    }

    pub(crate) fn query_parameters(&self) -> impl Iterator<Item = &'static Parameter> + use<> {
        self.query.iter().copied().flatten()
    }

    /// Accepts the `Upstash-*` parameters of a publish or of a schedule.
    pub(crate) fn options_of(mut self, used_by: UsedBy) -> Self {
        self.options = Some(used_by);
        self
    }

    pub(crate) fn body(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    pub(crate) fn json_body<T: JsonSchema>(self) -> Self {
        self.body(Body::Json(SchemaGenerator::subschema_for::<T>))
    }

    pub(crate) fn answers<T: JsonSchema>(mut self, status: u16, about: &'static str) -> Self {
        self.answers.push(Answer { status, about, body: SchemaGenerator::subschema_for::<T> });
        self
    }

    /// Adds a 200 response with an empty object: clients check only the status, but some parse JSON first.
    pub(crate) fn done(mut self, about: &'static str) -> Self {
        self.answers.push(Answer { status: 200, about, body: |_| json_schema!({ "type": "object" }) });
        self
    }

    pub(crate) fn rejects(mut self, statuses: &'static [u16]) -> Self {
        self.rejections = statuses;
        self
    }

    /// Whether the route requires a token: paths under `/v2` do, probes and documentation do not.
    pub(crate) fn needs_token(&self) -> bool {
        self.paths.iter().any(|path| path.starts_with("/v2"))
    }

    pub(crate) fn add_to(self, router: Router<Arc<State>>) -> Router<Arc<State>> {
        let Some(handler) = self.handler else { return router };
        self.paths.into_iter().fold(router, |router, path| router.route(path, handler.clone()))
    }
}
