use super::Deployment;

#[tokio::test]
async fn settings_that_contradict_each_other_are_said() {
    let deployment = Deployment::new("doctor_settings").await;
    deployment.says("settings", "passed", &["0 errors, 0 warnings"]);
    let environment = [("SHUTDOWN_GRACE_SECONDS", "40"), ("TERMINATION_GRACE_SECONDS", "30")];
    deployment.says_with(&environment, &[], "settings", "failed", &["TERMINATION_GRACE_SECONDS=30"]);
    deployment.says_with(&[("LEASE_SECONDS", "2")], &[], "settings", "warned", &["LEASE_SECONDS=2"]);
}

#[tokio::test]
async fn a_log_that_says_too_much_is_noticed() {
    let deployment = Deployment::new("doctor_log").await;
    deployment.says("log-level", "passed", &["RUST_LOG=info"]);
    deployment.says_with(&[("RUST_LOG", "info,dispatch=debug")], &[], "log-level", "warned", &["expensive"]);
}
