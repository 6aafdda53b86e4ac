//! A private Postfix: its own configuration, queue, data and log below a temporary directory, one smtpd on a
//! loopback port, everything else off the network. It runs as root and drops to `postfix` as always.

use super::{free_port, program, run_ok, wait_for, wait_port};
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// The services of a plain Postfix, none of them in a chroot jail; `%PORT%` is the smtpd's.
const MASTER_CF: &str = "\
127.0.0.1:%PORT% inet n - n - - smtpd
pickup    unix  n  -  n  60  1  pickup
cleanup   unix  n  -  n  -  0  cleanup
qmgr      unix  n  -  n  300  1  qmgr
tlsmgr    unix  -  -  n  1000?  1  tlsmgr
rewrite   unix  -  -  n  -  -  trivial-rewrite
bounce    unix  -  -  n  -  0  bounce
defer     unix  -  -  n  -  0  bounce
trace     unix  -  -  n  -  0  bounce
verify    unix  -  -  n  -  1  verify
flush     unix  n  -  n  1000?  0  flush
proxymap  unix  -  -  n  -  -  proxymap
smtp      unix  -  -  n  -  -  smtp
relay     unix  -  -  n  -  -  smtp
showq     unix  n  -  n  -  -  showq
error     unix  -  -  n  -  -  error
retry     unix  -  -  n  -  -  error
discard   unix  -  -  n  -  -  discard
local     unix  -  n  n  -  -  local
virtual   unix  -  n  n  -  -  virtual
lmtp      unix  -  -  n  -  -  lmtp
anvil     unix  -  -  n  -  1  anvil
scache    unix  -  -  n  -  1  scache
postlog   unix-dgram n - n - 1 postlogd
";

/// The parameters every test starts from; what a test gives comes behind and wins.
const MAIN_CF: &str = "\
compatibility_level = 3.6
inet_interfaces = loopback-only
inet_protocols = ipv4
myhostname = mx.lab.test
mydestination =
mynetworks = 127.0.0.0/8
alias_maps =
alias_database =
smtp_dns_support_level = disabled
";

/// A running Postfix of the test's own; stopped when dropped.
pub struct Postfix {
    dir: TempDir,
    /// Its smtpd, on 127.0.0.1.
    pub port: u16,
}

impl Postfix {
    /// Starts one with `parameters` (`name = value` lines) added to main.cf and waits until it accepts mail.
    pub fn start(parameters: &str) -> Self {
        Self::start_with(parameters, "")
    }

    /// The same with `services` added to master.cf.
    pub fn start_with(parameters: &str, services: &str) -> Self {
        program("postfix", "postfix");
        assert!(
            rustix::process::geteuid().is_root(),
            "a private Postfix needs root to start"
        );
        let dir = tempfile::Builder::new().prefix("pf").tempdir().unwrap();
        // Postfix's own user has to pass through.
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let postfix = Self {
            dir,
            port: free_port(),
        };
        for name in ["etc", "queue", "data", "log"] {
            fs::create_dir(postfix.dir.path().join(name)).unwrap();
        }
        for name in ["data", "log"] {
            run_ok(
                Command::new("chown")
                    .arg("postfix")
                    .arg(postfix.dir.path().join(name)),
            );
        }
        let root = postfix.dir.path().display();
        fs::write(
            postfix.config_dir().join("main.cf"),
            each_once(&format!(
                "{MAIN_CF}queue_directory = {root}/queue\ndata_directory = {root}/data\n\
                 maillog_file = {root}/log/mail.log\nmaillog_file_prefixes = {root}/log\n{parameters}\n"
            )),
        )
        .unwrap();
        fs::write(
            postfix.config_dir().join("master.cf"),
            format!(
                "{}{services}\n",
                MASTER_CF.replace("%PORT%", &postfix.port.to_string())
            ),
        )
        .unwrap();
        postfix.start_again();
        postfix
    }

    /// Starts it after [`Self::stop`].
    pub fn start_again(&self) {
        // The daemons inherit these: pipes would never end.
        let errors = self.dir.path().join("start.err");
        let status = Command::new(program("postfix", "postfix"))
            .arg("-c")
            .arg(self.config_dir())
            .arg("start")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(&errors).unwrap())
            .status()
            .unwrap();
        assert!(
            status.success(),
            "postfix start: {status}\n{}\n{}",
            fs::read_to_string(&errors).unwrap_or_default(),
            self.log()
        );
        wait_port(self.address());
    }

    /// Stops the daemons and waits until the master is gone; the queue stays.
    pub fn stop(&self) {
        let _ = self
            .command("postfix")
            .arg("stop")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
    }

    /// The smtpd's address.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// `config_directory`.
    pub fn config_dir(&self) -> PathBuf {
        self.dir.path().join("etc")
    }

    /// `queue_directory`.
    pub fn queue_dir(&self) -> PathBuf {
        self.dir.path().join("queue")
    }

    /// The directory everything is in.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// `maillog_file`.
    pub fn log_path(&self) -> PathBuf {
        self.dir.path().join("log/mail.log")
    }

    /// The log so far.
    pub fn log(&self) -> String {
        fs::read(self.log_path())
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// Waits until a line of the log contains every one of `words`, and returns it.
    pub fn wait_log(&self, words: &[&str]) -> String {
        wait_for(&format!("a log line with {words:?}"), || {
            self.log()
                .lines()
                .find(|line| words.iter().all(|word| line.contains(word)))
                .map(str::to_owned)
        })
    }

    /// One of Postfix's commands on this instance (`-c` given).
    pub fn command(&self, name: &str) -> Command {
        let mut command = Command::new(program(name, "postfix"));
        command.arg("-c").arg(self.config_dir());
        command
    }

    /// What `postqueue -j` lists, one JSON object a message.
    pub fn postqueue(&self) -> Vec<serde_json::Value> {
        let output = run_ok(self.command("postqueue").arg("-j"));
        String::from_utf8(output.stdout)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// Waits until `postqueue -j` lists what `check` asks for.
    pub fn wait_queue(
        &self,
        what: &str,
        check: impl Fn(&[serde_json::Value]) -> bool,
    ) -> Vec<serde_json::Value> {
        wait_for(what, || {
            let list = self.postqueue();
            check(&list).then_some(list)
        })
    }

    /// Waits until exactly `count` messages are in the queue, all of them in the queue named.
    pub fn wait_all_in(&self, queue: &str, count: usize) -> Vec<serde_json::Value> {
        self.wait_queue(&format!("{count} messages in {queue}"), |list| {
            list.len() == count && list.iter().all(|entry| entry["queue_name"] == queue)
        })
    }

    /// Changes main.cf and makes the daemons read it again.
    pub fn reconfigure(&self, parameters: &[&str]) {
        run_ok(self.command("postconf").arg("-e").args(parameters));
        let status = self
            .command("postfix")
            .arg("reload")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        assert!(status.success(), "postfix reload: {status}");
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The logical lines of a main.cf with only the last definition of each parameter.
///
/// Postfix warns of every "overriding earlier entry", its postlogd too, through the socket that postlogd itself
/// reads: about a dozen such warnings at once, and it waits for itself for ever.
fn each_once(main_cf: &str) -> String {
    let mut entries: Vec<(String, String)> = Vec::new();
    for line in main_cf.lines() {
        let continues = line.starts_with([' ', '\t']);
        if let (true, Some((_, text))) = (continues, entries.last_mut()) {
            text.push_str(line);
            text.push('\n');
            continue;
        }
        let Some((name, _)) = line.split_once('=') else {
            continue;
        };
        let name = name.trim().to_owned();
        entries.retain(|(known, _)| *known != name);
        entries.push((name, format!("{line}\n")));
    }
    entries.into_iter().map(|(_, text)| text).collect()
}
