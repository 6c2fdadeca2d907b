//! `sigpost completions`.

use crate::running::{finished, folder, sigpost};

#[test]
fn every_shell_gets_the_commands_completed() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let output = finished(sigpost(&["completions", shell]));
        assert!(output.status.success(), "{output:?}");
        let script = String::from_utf8(output.stdout).expect("text");
        for word in ["redrive", "dry-run", "schedules", "follow"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    assert_eq!(finished(sigpost(&["completions", "tcsh"])).status.code(), Some(2));
}

#[test]
fn the_bash_completion_is_a_script_that_bash_reads() {
    let folder = folder();
    let script = folder.path().join("sigpost.bash");
    std::fs::write(&script, finished(sigpost(&["completions", "bash"])).stdout).expect("a file");
    let asked =
        "source \"$1\"; COMP_WORDS=(sigpost dlq re); COMP_CWORD=2; _sigpost sigpost re dlq; echo \"${COMPREPLY[@]}\"";
    let answer = std::process::Command::new("bash").args(["-c", asked, "bash"]).arg(script).output().expect("bash");
    let words = String::from_utf8_lossy(&answer.stdout).into_owned();
    assert!(words.contains("retry") && words.contains("redrive") && !words.contains("show"), "{answer:?}");
}
