//! Frame of all pages: head, navigation, notices, main.

use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};

use super::assets::{SCRIPT, STYLE};
use super::page::{Page, Section};
use super::session::Session;

pub(crate) const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// Data of the frame of a signed-in user.
pub(crate) struct Frame<'a> {
    pub(crate) session: &'a Session,
    /// Result of the last action.
    pub(crate) notice: Option<String>,
}

impl Frame<'_> {
    pub(crate) fn around(&self, page: &Page) -> Markup {
        let body = html! {
            a.skip href="#main" { "Skip to the content" }
            header.top {
                a.brand href="/console" { "sigpost" }
                nav aria-label="Console" {
                    ul {
                        @for section in Section::ALL {
                            li {
                                a href=(section.path()) aria-current=[(page.section == Some(section)).then_some("page")] {
                                    (section.name())
                                }
                            }
                        }
                    }
                }
                form.out method="post" action="/console/logout" {
                    (self.session.field())
                    button.plain { "Sign out" }
                }
            }
            main id="main" tabindex="-1" {
                div.title {
                    h1 { (page.title) }
                    // The script puts the switch for live updates here.
                    div id="live" {}
                }
                @if let Some(notice) = &self.notice {
                    div.notice role="status" { p { (notice) } }
                }
                (page.content)
            }
            dialog id="confirm" aria-labelledby="confirm-text" {
                form method="dialog" {
                    p id="confirm-text" {}
                    div.actions {
                        button value="no" { "Go back" }
                        button.danger value="yes" { "Confirm" }
                    }
                }
            }
        };
        document(&page.title, &body)
    }
}

/// A page without a session.
pub(crate) fn bare(page: Page) -> Bare {
    Bare(page)
}

pub(crate) struct Bare(Page);

impl IntoResponse for Bare {
    fn into_response(self) -> Response {
        let Self(page) = self;
        let body = html! {
            main.narrow id="main" {
                p.brand { "sigpost" }
                h1 { (page.title) }
                (page.content)
                @if page.status == StatusCode::FORBIDDEN {
                    p { a href="/console" { "Go to the console" } }
                }
            }
        };
        (page.status, [(CONTENT_TYPE, HTML)], document(&page.title, &body).into_string()).into_response()
    }
}

fn document(title: &str, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " – sigpost" }
                link rel="icon" href="data:,";
                link rel="stylesheet" href=(STYLE.path());
                script src=(SCRIPT.path()) defer {}
            }
            body { (body) }
        }
    }
}
