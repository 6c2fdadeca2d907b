//! Settings of job handlers and of programs that enqueue jobs.

#![expect(missing_docs, reason = "`meaning` documents a setting")]

use super::super::setting::Program::{Files, Handlers, Ingress, ProcessStripeWebhook, SendEmail};
use super::super::setting::{OPTIONAL, Setting};

pub(super) const ALL: [Setting; 16] = [
    BASE_URL,
    JOB_URLS,
    JOB_SEALING_KEYS,
    FILES_URL,
    FILES_LINK_SECONDS,
    RESEND_API_KEY,
    RESEND_FROM_EMAIL,
    RESEND_REPLY_TO,
    RESEND_BASE_URL,
    RESEND_RATE_LIMIT,
    APP_NAME,
    APP_SIGNATURE,
    APP_SUPPORT_EMAIL,
    APP_URL,
    STRIPE_WEBHOOK_SECRET,
    RESEND_WEBHOOK_SECRET,
];

pub const BASE_URL: Setting = Setting {
    name: "BASE_URL",
    meaning: "Base URL of the handlers.",
    programs: &[Handlers, Ingress],
    form: "an http or https URL without query and fragment",
    is_required: true,
    ..OPTIONAL
};

pub const JOB_URLS: Setting = Setting {
    name: "JOB_URLS",
    meaning: "Base URLs of job types that have their own.",
    programs: &[Handlers, Ingress],
    form: "`type=url`, separated by commas",
    ..OPTIONAL
};

pub const JOB_SEALING_KEYS: Setting = Setting {
    name: "JOB_SEALING_KEYS",
    meaning: "Keys of [sealed payloads](../explanation/security.md#sealed-payloads). The first one encrypts.",
    programs: &[Handlers, Ingress],
    form: "`id:base64` pairs, separated by commas, 32 bytes each",
    is_secret: true,
    ..OPTIONAL
};

pub const FILES_URL: Setting = Setting {
    name: "FILES_URL",
    meaning: "Storage of files. Default of `sigpost dev`: a folder.",
    programs: &[Files],
    form: "`s3://bucket/prefix` or `file:///folder`",
    is_required: true,
    ..OPTIONAL
};

pub const FILES_LINK_SECONDS: Setting = Setting {
    name: "FILES_LINK_SECONDS",
    meaning: "Validity of a link to a file.",
    programs: &[Files],
    default: Some("43200"),
    form: "a whole number from 1 to 604800",
    ..OPTIONAL
};

pub const RESEND_API_KEY: Setting = Setting {
    name: "RESEND_API_KEY",
    meaning: "Key of Resend. Without it `sigpost dev` renders e-mails and does not send them.",
    programs: &[SendEmail],
    form: "an API key of Resend",
    is_required: true,
    is_secret: true,
    ..OPTIONAL
};

pub const RESEND_FROM_EMAIL: Setting = Setting {
    name: "RESEND_FROM_EMAIL",
    meaning: "Sender of e-mails.",
    programs: &[SendEmail],
    form: "an address such as `Acme <hello@acme.example>`",
    is_required: true,
    ..OPTIONAL
};

pub const RESEND_REPLY_TO: Setting = Setting {
    name: "RESEND_REPLY_TO",
    meaning: "Address for replies. Default: `APP_SUPPORT_EMAIL`.",
    programs: &[SendEmail],
    form: "an address",
    ..OPTIONAL
};

pub const RESEND_BASE_URL: Setting = Setting {
    name: "RESEND_BASE_URL",
    meaning: "URL of Resend.",
    programs: &[SendEmail],
    default: Some("https://api.resend.com"),
    form: "an http or https URL",
    ..OPTIONAL
};

pub const RESEND_RATE_LIMIT: Setting = Setting {
    name: "RESEND_RATE_LIMIT",
    meaning: "Validated, and not used: handlers follow `Retry-After` of Resend.",
    programs: &[SendEmail],
    form: "a whole number of at least 1",
    ..OPTIONAL
};

pub const APP_NAME: Setting = Setting {
    name: "APP_NAME",
    meaning: "Name of your product in e-mails.",
    programs: &[SendEmail],
    default: Some("sigpost"),
    form: "one line",
    ..OPTIONAL
};

pub const APP_SIGNATURE: Setting = Setting {
    name: "APP_SIGNATURE",
    meaning: "Last line of e-mails. Default: `The <APP_NAME> Team`.",
    programs: &[SendEmail],
    form: "one line",
    ..OPTIONAL
};

pub const APP_SUPPORT_EMAIL: Setting = Setting {
    name: "APP_SUPPORT_EMAIL",
    meaning: "Support address in e-mails. Default: `RESEND_REPLY_TO`.",
    programs: &[SendEmail],
    form: "an address",
    ..OPTIONAL
};

pub const APP_URL: Setting = Setting {
    name: "APP_URL",
    meaning: "URL of your product for links in e-mails.",
    programs: &[ProcessStripeWebhook],
    form: "an http or https URL without query and fragment",
    is_required: true,
    ..OPTIONAL
};

pub const STRIPE_WEBHOOK_SECRET: Setting = Setting {
    name: "STRIPE_WEBHOOK_SECRET",
    meaning: "Secrets of Stripe's webhook. This or `RESEND_WEBHOOK_SECRET` is required.",
    programs: &[Ingress],
    form: "secrets of at least 16 bytes, separated by commas",
    is_secret: true,
    ..OPTIONAL
};

pub const RESEND_WEBHOOK_SECRET: Setting = Setting {
    name: "RESEND_WEBHOOK_SECRET",
    meaning: "Secrets of Resend's webhook.",
    programs: &[Ingress],
    form: "secrets of the form `whsec_` and at least 16 characters of base64, separated by commas",
    is_secret: true,
    ..OPTIONAL
};
