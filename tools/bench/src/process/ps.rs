//! Processes as `ps` shows them, where there is no `/proc`.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::process::{Memory, Process};

/// Lists all processes.
pub(crate) fn processes() -> Result<Vec<Process>> {
    Ok(ps(&["-axo", "pid=,ppid=,time="])?.lines().filter_map(parse_line).collect())
}

/// Reads the memory of a process, which `ps` prints in kibibytes.
pub(crate) fn memory(pid: u32) -> Result<Memory> {
    let kibibytes = ps(&["-o", "rss=", "-p", &pid.to_string()])?;
    let kibibytes: f64 = kibibytes.trim().parse().with_context(|| format!("ps printed {kibibytes:?}"))?;
    Ok(Memory { resident_mb: kibibytes * 1024.0 / 1e6, peak_mb: None })
}

fn ps(arguments: &[&str]) -> Result<String> {
    let output = Command::new("ps").args(arguments).output().context("ps cannot start")?;
    ensure!(output.status.success(), "ps {}: {}", arguments.join(" "), output.status);
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn parse_line(line: &str) -> Option<Process> {
    let mut words = line.split_whitespace();
    let (pid, parent) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    Some(Process { pid, parent, cpu_s: parse_time(words.next()?)?, ended_children_cpu_s: 0.0 })
}

/// `1-02:03:04` on Linux and `12:34.56` on macOS: days, then numbers of base 60.
fn parse_time(text: &str) -> Option<f64> {
    let (days, rest) = text.split_once('-').unwrap_or(("0", text));
    let seconds = rest.split(':').try_fold(0.0, |sum, part| Some(sum * 60.0 + part.parse::<f64>().ok()?))?;
    Some(days.parse::<f64>().ok()? * 86_400.0 + seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_both_systems_are_parsed() {
        let times = ["0:01.25", "12:34.56", "00:00:07", "1-02:03:04", "x"].map(parse_time);
        assert_eq!(times, [Some(1.25), Some(754.56), Some(7.0), Some(93_784.0), None]);
    }

    #[test]
    fn line_is_a_process() {
        let expected = Process { pid: 4711, parent: 1, cpu_s: 1.25, ended_children_cpu_s: 0.0 };
        assert_eq!(parse_line(" 4711     1   0:01.25"), Some(expected));
        assert_eq!(parse_line("PID PPID TIME"), None);
    }
}
