//! Templates of a job's package. They are valid source code of a job with the name `new-job`.

/// The files of `functions/new-job/`.
pub(crate) const FILES: [(&str, &str); 6] = [
    ("Cargo.toml", include_str!("../templates/Cargo.toml")),
    ("src/lib.rs", include_str!("../templates/src/lib.rs")),
    ("src/main.rs", include_str!("../templates/src/main.rs")),
    ("src/handler.rs", include_str!("../templates/src/handler.rs")),
    ("src/router.rs", include_str!("../templates/src/router.rs")),
    ("tests/new-job.rs", include_str!("../templates/tests/new-job.rs")),
];

/// The payload, with its path in the library for handlers.
pub(crate) const PAYLOAD: (&str, &str) =
    ("shared/jobs/src/payloads/new_job.rs", include_str!("../templates/payload.rs"));
