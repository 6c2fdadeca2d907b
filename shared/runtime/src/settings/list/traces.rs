//! Settings of traces: standard variables of OpenTelemetry.

#![expect(missing_docs, reason = "`meaning` documents a setting")]

use super::super::setting::Program::All;
use super::super::setting::{OPTIONAL, Setting};

pub(super) const ALL: [Setting; 15] = [
    OTEL_EXPORTER_OTLP_ENDPOINT,
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT,
    OTEL_EXPORTER_OTLP_HEADERS,
    OTEL_EXPORTER_OTLP_TRACES_HEADERS,
    OTEL_EXPORTER_OTLP_PROTOCOL,
    OTEL_EXPORTER_OTLP_TRACES_PROTOCOL,
    OTEL_SERVICE_NAME,
    OTEL_RESOURCE_ATTRIBUTES,
    OTEL_TRACES_SAMPLER,
    OTEL_TRACES_SAMPLER_ARG,
    OTEL_BSP_SCHEDULE_DELAY,
    OTEL_BSP_EXPORT_TIMEOUT,
    OTEL_BSP_MAX_QUEUE_SIZE,
    OTEL_BSP_MAX_EXPORT_BATCH_SIZE,
    OTEL_SDK_DISABLED,
];

pub const OTEL_EXPORTER_OTLP_ENDPOINT: Setting = Setting {
    name: "OTEL_EXPORTER_OTLP_ENDPOINT",
    meaning: "Collector of traces; `/v1/traces` is added.",
    programs: &[All],
    form: "an http or https URL",
    ..OPTIONAL
};

pub const OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: Setting = Setting {
    name: "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    meaning: "Collector of traces, used unchanged.",
    programs: &[All],
    form: "an http or https URL",
    ..OPTIONAL
};

pub const OTEL_EXPORTER_OTLP_HEADERS: Setting = Setting {
    name: "OTEL_EXPORTER_OTLP_HEADERS",
    meaning: "Headers of requests to the collector.",
    programs: &[All],
    form: "`name=value`, separated by commas, values percent-encoded",
    is_secret: true,
    ..OPTIONAL
};

pub const OTEL_EXPORTER_OTLP_TRACES_HEADERS: Setting = Setting {
    name: "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
    meaning: "The same; wins over `OTEL_EXPORTER_OTLP_HEADERS`.",
    programs: &[All],
    form: "`name=value`, separated by commas, values percent-encoded",
    is_secret: true,
    ..OPTIONAL
};

pub const OTEL_EXPORTER_OTLP_PROTOCOL: Setting = Setting {
    name: "OTEL_EXPORTER_OTLP_PROTOCOL",
    meaning: "Protocol of the collector.",
    programs: &[All],
    default: Some("http/protobuf"),
    form: "`http/protobuf`",
    ..OPTIONAL
};

pub const OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: Setting = Setting {
    name: "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
    meaning: "The same; wins over `OTEL_EXPORTER_OTLP_PROTOCOL`.",
    programs: &[All],
    form: "`http/protobuf`",
    ..OPTIONAL
};

pub const OTEL_SERVICE_NAME: Setting = Setting {
    name: "OTEL_SERVICE_NAME",
    meaning: "Name of the service. Default of a function: its name.",
    programs: &[All],
    default: Some("sigpost"),
    form: "any text",
    ..OPTIONAL
};

pub const OTEL_RESOURCE_ATTRIBUTES: Setting = Setting {
    name: "OTEL_RESOURCE_ATTRIBUTES",
    meaning: "Attributes of all spans.",
    programs: &[All],
    form: "`key=value`, separated by commas, values percent-encoded",
    ..OPTIONAL
};

pub const OTEL_TRACES_SAMPLER: Setting = Setting {
    name: "OTEL_TRACES_SAMPLER",
    meaning: "Sampler.",
    programs: &[All],
    default: Some("parentbased_always_on"),
    form: "`always_on`, `always_off` or `traceidratio`, each also with the prefix `parentbased_`",
    ..OPTIONAL
};

pub const OTEL_TRACES_SAMPLER_ARG: Setting = Setting {
    name: "OTEL_TRACES_SAMPLER_ARG",
    meaning: "Ratio for `traceidratio`.",
    programs: &[All],
    form: "a number from 0 to 1",
    ..OPTIONAL
};

pub const OTEL_BSP_SCHEDULE_DELAY: Setting = Setting {
    name: "OTEL_BSP_SCHEDULE_DELAY",
    meaning: "Milliseconds between two exports.",
    programs: &[All],
    default: Some("5000"),
    form: "a whole number of at least 1",
    ..OPTIONAL
};

pub const OTEL_BSP_EXPORT_TIMEOUT: Setting = Setting {
    name: "OTEL_BSP_EXPORT_TIMEOUT",
    meaning: "Timeout of an export in milliseconds.",
    programs: &[All],
    default: Some("30000"),
    form: "a whole number of at least 1",
    ..OPTIONAL
};

pub const OTEL_BSP_MAX_QUEUE_SIZE: Setting = Setting {
    name: "OTEL_BSP_MAX_QUEUE_SIZE",
    meaning: "Maximum number of spans in the queue.",
    programs: &[All],
    default: Some("2048"),
    form: "a whole number of at least 1",
    ..OPTIONAL
};

pub const OTEL_BSP_MAX_EXPORT_BATCH_SIZE: Setting = Setting {
    name: "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
    meaning: "Maximum number of spans per export.",
    programs: &[All],
    default: Some("512"),
    form: "a whole number of at least 1",
    ..OPTIONAL
};

pub const OTEL_SDK_DISABLED: Setting = Setting {
    name: "OTEL_SDK_DISABLED",
    meaning: "`true` disables traces.",
    programs: &[All],
    default: Some("false"),
    form: "`true` or `false`",
    ..OPTIONAL
};
