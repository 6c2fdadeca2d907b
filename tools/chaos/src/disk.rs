//! A small disk for the messages, a tmpfs with a tablespace, which a fault can fill.

use std::fs::{self, File, Permissions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use tokio_postgres::Client;

const SIZE: &str = "256m";

/// Mounted disk. Unmounted on drop.
pub(crate) struct Disk(PathBuf);

impl Disk {
    /// Mounts the disk and moves messages and their indexes to it. Fails without root.
    pub(crate) async fn mount(folder: &Path, client: &Client) -> Result<Self> {
        let mount = folder.join("disk");
        fs::create_dir(&mount)?;
        let options = format!("size={SIZE},mode=755");
        let output = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(&mount).output()?;
        ensure!(output.status.success(), "a mount is not permitted");
        let disk = Self(mount);
        let tablespace = disk.0.join("tablespace");
        fs::create_dir(&tablespace)?;
        fs::set_permissions(&tablespace, Permissions::from_mode(0o700))?;
        // Postgres may run as another user, which owns its data.
        let owner = fs::metadata(folder.join("postgres/cluster")).context("the folder of the cluster")?;
        chown(&tablespace, Some(owner.uid()), Some(owner.gid()))?;
        let create = format!("create tablespace chaos location '{}'", tablespace.display());
        client.batch_execute(&create).await?;
        client
            .batch_execute(
                "do $$ declare name text; begin
                     for name in select tablename from pg_tables
                         where tablename ~ '^(messages|attempts)_' or tablename = 'pending_deliveries' loop
                         execute format('alter table %I set tablespace chaos', name);
                     end loop;
                     for name in select indexname from pg_indexes
                         where tablename ~ '^(messages|attempts)_' or tablename = 'pending_deliveries' loop
                         execute format('alter index %I set tablespace chaos', name);
                     end loop;
                 end $$",
            )
            .await?;
        Ok(disk)
    }

    /// Fills the disk.
    pub(crate) fn fill(&self) -> Result<()> {
        let mut file = File::create(self.0.join("filler"))?;
        for part in [vec![0; 1 << 20], vec![0; 4096]] {
            while file.write_all(&part).is_ok() {}
        }
        Ok(())
    }

    pub(crate) fn free(&self) -> Result<()> {
        Ok(fs::remove_file(self.0.join("filler"))?)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazy unmount: Postgres may still have open files.
        let _ = Command::new("umount").arg("-l").arg(&self.0).output();
    }
}
