//! Runs one scenario file.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tests::sdk::Sdk;
use tokio::process::Command;

use crate::server::Server;

/// Time limit of a file. Most files take one or two seconds.
const LIMIT: Duration = Duration::from_secs(90);

/// Defines a test for each scenario file and a test that every file is listed.
macro_rules! scenarios {
    ($($sdk:ident in $folder:literal as $module:ident { $($(#[$attribute:meta])* $test:ident: $file:literal,)* })*) => {$(
        mod $module {
            use tests::sdk::Sdk;

            $(
                #[tokio::test]
                $(#[$attribute])*
                async fn $test() {
                    crate::scenario::run(Sdk::$sdk, $folder, $file).await;
                }
            )*

            #[test]
            fn every_scenario_file_has_a_test() {
                assert_eq!(crate::scenario::files($folder), [$($file),*]);
            }
        }
    )*};
}
pub(crate) use scenarios;

/// Lists the scenario files of a folder by name. Other files are modules that scenarios import.
pub(crate) fn files(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(source(folder)).expect(folder).map(|entry| entry.expect(folder).file_name());
    let mut names: Vec<String> = entries.map(|name| name.into_string().expect("UTF-8")).collect();
    names.retain(|name| name.contains("test_") || name.contains(".test."));
    names.sort();
    names
}

/// Runs a scenario file against its own server. Panics if the file fails or exceeds the time limit.
pub(crate) async fn run(sdk: Sdk, folder: &str, file: &str) {
    let Some(installed) = sdk.installed(Path::new(env!("CARGO_TARGET_TMPDIR"))).await else { return };
    let server = Server::start().await;
    // Node searches the parent folders for the SDK.
    let copy = tempfile::tempdir_in(&installed).expect("a folder");
    for entry in fs::read_dir(source(folder)).expect(folder) {
        let entry = entry.expect(folder);
        fs::copy(entry.path(), copy.path().join(entry.file_name())).expect("a copy");
    }

    let printed = copy.path().join("output");
    let output = File::create(&printed).expect("a file");
    let mut script = test_runner(sdk, &installed);
    script.arg(file).current_dir(copy.path()).kill_on_drop(true);
    script.stdout(output.try_clone().expect("a file")).stderr(output);
    // Removes the developer's own settings, which may point to other servers.
    for name in ["QSTASH_REGION", "QSTASH_DEV", "QSTASH_DEV_PORT", "NODE_ENV", "NODE_OPTIONS"] {
        script.env_remove(name);
    }
    script.envs(server.environment()).env("no_proxy", "127.0.0.1");

    let ended = tokio::time::timeout(LIMIT, script.status()).await;
    let complaint = match ended.map(|status| status.expect("the interpreter starts")) {
        Ok(status) if status.success() => return,
        Ok(status) => format!("{file} failed ({status})"),
        Err(_) => format!("{file} did not end within {LIMIT:?}"),
    };
    let printed = fs::read(printed).expect("the output");
    panic!("{complaint}:\n{}\nserver:\n{}", String::from_utf8_lossy(&printed), server.log());
}

fn test_runner(sdk: Sdk, installed: &Path) -> Command {
    let mut runner = sdk.interpreter(installed);
    match sdk {
        Sdk::JavaScript => runner.args(["--test", "--test-reporter=spec"]),
        Sdk::Python => runner.args(["-W", "ignore::ResourceWarning", "-m", "unittest", "--verbose", "--buffer"]),
    };
    runner
}

fn source(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("compat").join(folder)
}
