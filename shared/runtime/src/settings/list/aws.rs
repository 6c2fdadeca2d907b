//! Settings of AWS: its standard variables.

#![expect(missing_docs, reason = "`meaning` documents a setting")]

use super::super::setting::Program::All;
use super::super::setting::{OPTIONAL, Setting};

pub(super) const ALL: [Setting; 13] = [
    AWS_REGION,
    AWS_DEFAULT_REGION,
    AWS_ACCESS_KEY_ID,
    AWS_SECRET_ACCESS_KEY,
    AWS_SESSION_TOKEN,
    AWS_CONTAINER_CREDENTIALS_RELATIVE_URI,
    AWS_CONTAINER_CREDENTIALS_FULL_URI,
    AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE,
    AWS_CONTAINER_AUTHORIZATION_TOKEN,
    AWS_ENDPOINT_URL,
    AWS_ENDPOINT_URL_LAMBDA,
    AWS_ENDPOINT_URL_SECRETS_MANAGER,
    AWS_ENDPOINT_URL_SSM,
];

pub const AWS_REGION: Setting = Setting {
    name: "AWS_REGION",
    meaning: "Region. Required if a setting needs AWS.",
    programs: &[All],
    form: "a region",
    ..OPTIONAL
};

pub const AWS_DEFAULT_REGION: Setting = Setting {
    name: "AWS_DEFAULT_REGION",
    meaning: "Region if `AWS_REGION` is not set.",
    programs: &[All],
    form: "a region",
    ..OPTIONAL
};

pub const AWS_ACCESS_KEY_ID: Setting = Setting {
    name: "AWS_ACCESS_KEY_ID",
    meaning: "Access key.",
    programs: &[All],
    form: "an access key",
    is_secret: true,
    ..OPTIONAL
};

pub const AWS_SECRET_ACCESS_KEY: Setting = Setting {
    name: "AWS_SECRET_ACCESS_KEY",
    meaning: "Secret of the access key.",
    programs: &[All],
    form: "a secret access key",
    is_secret: true,
    ..OPTIONAL
};

pub const AWS_SESSION_TOKEN: Setting = Setting {
    name: "AWS_SESSION_TOKEN",
    meaning: "Token of temporary credentials.",
    programs: &[All],
    form: "a session token",
    is_secret: true,
    ..OPTIONAL
};

pub const AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: Setting = Setting {
    name: "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    meaning: "Path of the credentials, set by ECS.",
    programs: &[All],
    form: "a path",
    ..OPTIONAL
};

pub const AWS_CONTAINER_CREDENTIALS_FULL_URI: Setting = Setting {
    name: "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    meaning: "URL of the credentials, set by EKS.",
    programs: &[All],
    form: "a URL",
    ..OPTIONAL
};

pub const AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: Setting = Setting {
    name: "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    meaning: "File with the token for that URL, set by EKS.",
    programs: &[All],
    form: "path of a file",
    ..OPTIONAL
};

pub const AWS_CONTAINER_AUTHORIZATION_TOKEN: Setting = Setting {
    name: "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    meaning: "Token for that URL, without a file.",
    programs: &[All],
    form: "any text",
    is_secret: true,
    ..OPTIONAL
};

pub const AWS_ENDPOINT_URL: Setting = Setting {
    name: "AWS_ENDPOINT_URL",
    meaning: "Endpoint of every service, instead of AWS's.",
    programs: &[All],
    form: "an http or https URL",
    ..OPTIONAL
};

pub const AWS_ENDPOINT_URL_LAMBDA: Setting = Setting {
    name: "AWS_ENDPOINT_URL_LAMBDA",
    meaning: "Endpoint of Lambda; wins over `AWS_ENDPOINT_URL`.",
    programs: &[All],
    form: "an http or https URL",
    ..OPTIONAL
};

pub const AWS_ENDPOINT_URL_SECRETS_MANAGER: Setting = Setting {
    name: "AWS_ENDPOINT_URL_SECRETS_MANAGER",
    meaning: "Endpoint of Secrets Manager; wins over `AWS_ENDPOINT_URL`.",
    programs: &[All],
    form: "an http or https URL",
    ..OPTIONAL
};

pub const AWS_ENDPOINT_URL_SSM: Setting = Setting {
    name: "AWS_ENDPOINT_URL_SSM",
    meaning: "Endpoint of Systems Manager; wins over `AWS_ENDPOINT_URL`.",
    programs: &[All],
    form: "an http or https URL",
    ..OPTIONAL
};
