//! Places outside of its package that list a job. Tests in `tests/it/infra/` fail if one is missing.

use super::insertion::At;

/// Position in a file and the text to insert, with `new-job` for the name.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) file: &'static str,
    pub(super) at: At,
    pub(super) text: &'static str,
}

impl Place {
    const fn new(file: &'static str, at: At, text: &'static str) -> Self {
        Self { file, at, text }
    }
}

const CARGO: &str = "Cargo.toml";
const CLI: &str = "cli/Cargo.toml";
const JOBS: &str = "cli/src/jobs.rs";
const TEMPLATE: &str = "infra/template.yaml";
const ALARMS: &str = "infra/alarms.yaml";

/// All places.
pub(super) const PLACES: [Place; 13] = [
    Place::new(CARGO, At::After("= { path = \"functions/", 1), "new-job = { path = \"functions/new-job\" }\n"),
    // `cargo lambda watch`.
    Place::new(CARGO, At::After("\"/api/jobs/", 1), "\"/api/jobs/new-job\" = \"new-job\"\n"),
    Place::new(CLI, At::Before("anyhow.workspace = true"), "new-job.workspace = true\n"),
    Place::new(
        JOBS,
        At::Before("    // `sigpost new job` writes above this line."),
        "    new_job::NewJob => new_job::router(dev.harness()),\n",
    ),
    Place::new(TEMPLATE, At::Below("  Packages:"), "    NewJob: { Name: new-job }\n"),
    Place::new(TEMPLATE, At::InList("Fn::ForEach::LogGroups:"), "NewJob"),
    // The dispatcher signs deliveries to it, and has the permission to invoke it.
    Place::new(
        TEMPLATE,
        At::After("- !Select [2, !Split [\"/\", !GetAtt ", 1),
        "                - !Select [2, !Split [\"/\", !GetAtt NewJobFunctionUrl.FunctionUrl]]\n",
    ),
    Place::new(
        TEMPLATE,
        At::After("                      - !GetAtt ", 2),
        "                      - !GetAtt NewJobFunction.Arn\n",
    ),
    Place::new(TEMPLATE, At::Before("  Fn::ForEach::Handlers:"), include_str!("../../../templates/job/function.yaml")),
    Place::new(TEMPLATE, At::InList("Fn::ForEach::Handlers:"), "NewJob"),
    // Its URL for components that enqueue it.
    Place::new(
        TEMPLATE,
        At::Below("  JobUrlsParameter:"),
        "          - !Sub new-job=${NewJobFunctionUrl.FunctionUrl}\n",
    ),
    Place::new(TEMPLATE, At::InList("Fn::ForEach::HandlerUrls:"), "NewJob"),
    Place::new(ALARMS, At::InList("Fn::ForEach::Functions:"), "new-job"),
];
