//! The Kubernetes manifests match the program.

use serde_json::{Value, json};
use sigpost_qstash::DEV_TOKEN;

use super::{read, repository, yaml};
use crate::support::{TestApp, answered};

fn manifests() -> Vec<Value> {
    let file = |name: &str| yaml::documents(&read(&repository("infra/kubernetes").join(name)));
    [file("sigpost.yaml"), file("migrate.yaml"), file("cleanup.yaml")].concat()
}

/// Returns the pod of a Deployment, a Job or a CronJob; null for other kinds.
fn pod(manifest: &Value) -> &Value {
    let spec = &manifest["spec"];
    let spec = if manifest["kind"] == "CronJob" { &spec["jobTemplate"]["spec"] } else { spec };
    &spec["template"]["spec"]
}

fn manifest(kind: &str) -> Value {
    let found = manifests().into_iter().find(|manifest| manifest["kind"] == kind);
    found.unwrap_or_else(|| panic!("no {kind}"))
}

#[test]
fn termination_grace_period_exceeds_the_shutdown_time() {
    let pod = &manifest("Deployment")["spec"]["template"]["spec"];
    let given = pod["terminationGracePeriodSeconds"].as_u64().expect("seconds");
    let before = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"].as_u64().expect("seconds");
    assert!(given > before + dispatch::dispatcher::Settings::default().grace.as_secs());
}

#[tokio::test]
async fn probes_use_paths_without_authentication() {
    let app = TestApp::start().await;
    let container = manifest("Deployment")["spec"]["template"]["spec"]["containers"][0].clone();
    for (probe, path) in [("startupProbe", "/readyz"), ("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")] {
        assert_eq!(container[probe]["httpGet"]["path"], path, "{probe}");
        assert_eq!(container[probe]["httpGet"]["port"], container["ports"][0]["name"], "{probe}");
        let answer = answered(app.anonymous(reqwest::Method::GET, path)).await;
        assert_eq!(answer.status, 200, "{path}");
    }
}

#[test]
fn containers_run_as_non_root_with_a_read_only_filesystem() {
    for kind in ["Deployment", "Job", "CronJob"] {
        let manifest = manifest(kind);
        let pod = pod(&manifest);
        assert_eq!(pod["securityContext"]["runAsNonRoot"], true, "{kind}");
        assert_eq!(pod["automountServiceAccountToken"], false, "{kind}");
        let container = &pod["containers"][0]["securityContext"];
        assert_eq!(container["readOnlyRootFilesystem"], true, "{kind}");
        assert_eq!(container["allowPrivilegeEscalation"], false, "{kind}");
        assert_eq!(container["capabilities"]["drop"], json!(["ALL"]), "{kind}");
    }
}

#[test]
fn manifests_contain_no_secret() {
    for manifest in manifests() {
        assert_ne!(manifest["kind"], "Secret");
        assert!(!manifest.to_string().contains(DEV_TOKEN));
        let container = &pod(&manifest)["containers"][0];
        assert_eq!(container["env"], Value::Null);
        assert!(container.is_null() || container["envFrom"][0]["secretRef"]["name"] == "sigpost");
    }
}

#[test]
fn service_and_disruption_budget_select_the_pods() {
    let deployment = manifest("Deployment");
    let labels = &deployment["spec"]["template"]["metadata"]["labels"];
    assert_eq!(&deployment["spec"]["selector"]["matchLabels"], labels);
    assert_eq!(&manifest("Service")["spec"]["selector"], labels);
    assert_eq!(&manifest("PodDisruptionBudget")["spec"]["selector"]["matchLabels"], labels);
    // The service must not select the job's pods.
    assert_ne!(&manifest("Job")["spec"]["template"]["metadata"]["labels"], labels);
}
