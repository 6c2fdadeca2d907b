//! Process at the other end of a connection, from `/proc` on Linux. Unknown on other systems.

use std::fs;

/// Number of reads: the table is not a snapshot, so a socket can be missing in it.
const READS: u32 = 5;

/// Returns the process with the socket on this port of 127.0.0.1.
pub(super) fn process_of(port: u16, pids: &[Option<u32>]) -> Option<usize> {
    (0..READS).find_map(|_| find(port, pids))
}

fn find(port: u16, pids: &[Option<u32>]) -> Option<usize> {
    let table = fs::read_to_string("/proc/net/tcp").ok()?;
    let inode = inode(&table, port)?;
    let socket = format!("socket:[{inode}]");
    pids.iter().position(|pid| pid.is_some_and(|pid| has_open(pid, &socket)))
}

fn has_open(pid: u32, name: &str) -> bool {
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    entries.into_iter().any(|entry| fs::read_link(entry.path()).is_ok_and(|link| link.as_os_str() == name))
}

/// Returns the inode of the socket with this local port. Columns: number, local address, remote address; 10th: inode.
fn inode(table: &str, port: u16) -> Option<&str> {
    let local = format!("0100007F:{port:04X}");
    let mut rows = table.lines().map(|line| line.split_ascii_whitespace());
    rows.find_map(|mut columns| match columns.nth(1) {
        Some(address) if address == local => columns.nth(7),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::inode;

    #[test]
    fn inode_is_that_of_the_local_port() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   \
                     0: 0100007F:1F90 0100007F:D431 01 00000000:00000000 00:00000000 00000000     0        0 41 1 0 20 4 30 10 -1\n   \
                     1: 0100007F:D431 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     0        0 42 1 0 20 4 30 10 -1\n";
        assert_eq!(inode(table, 0xD431), Some("42"));
        assert_eq!(inode(table, 1), None);
    }
}
