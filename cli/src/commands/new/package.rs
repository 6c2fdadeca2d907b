//! Templates of a job's package. They are valid source code of a job with the name `new-job`.

/// The files of `functions/new-job/`.
pub(super) const FILES: [(&str, &str); 7] = [
    ("Cargo.toml", include_str!("../../../templates/job/Cargo.toml")),
    ("src/lib.rs", include_str!("../../../templates/job/src/lib.rs")),
    ("src/main.rs", include_str!("../../../templates/job/src/main.rs")),
    ("src/job.rs", include_str!("../../../templates/job/src/job.rs")),
    ("src/handler.rs", include_str!("../../../templates/job/src/handler.rs")),
    ("src/router.rs", include_str!("../../../templates/job/src/router.rs")),
    ("tests/new-job.rs", include_str!("../../../templates/job/tests/new-job.rs")),
];
