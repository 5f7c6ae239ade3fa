//! Child processes that end with this process, however it ends.

use std::{
    path::Path,
    process::{Command, Stdio},
};

/// Runs its arguments as a command, and kills that command when stdin reaches its end.
///
/// Only this process holds the other end of stdin. The system closes it when the process ends, SIGKILL
/// included.
#[cfg(unix)]
const SUPERVISOR: &str = r#"
exec 3<&0
"$@" </dev/null 3<&- &
child=$!
{ cat <&3; kill -KILL "$child"; } >/dev/null 2>&1 &
watch=$!
exec 3<&-
wait "$child"
status=$?
kill "$watch" 2>/dev/null
exit "$status"
"#;

/// A command that runs `program` for as long as the child's stdin stays open.
///
/// The child has a process group of its own: the terminal's Ctrl-C doesn't reach it, so that the devnet can
/// finish first.
#[cfg(unix)]
pub(crate) fn supervised(program: &Path) -> Command {
    use std::os::unix::process::CommandExt as _;
    let mut command = Command::new("/bin/sh");
    command.args(["-c", SUPERVISOR, "supervisor"]).arg(program).stdin(Stdio::piped()).process_group(0);
    command
}

#[cfg(not(unix))]
pub(crate) fn supervised(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.stdin(Stdio::piped());
    command
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::io::{BufRead as _, BufReader};

    #[test]
    fn a_child_ends_when_its_stdin_closes() {
        let mut child = supervised(Path::new("/bin/sh"))
            .args(["-c", "echo started; exec sleep 1000"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        assert_eq!(line, "started\n");
        drop(child.stdin.take());
        assert!(!child.wait().unwrap().success());
        line.clear();
        assert_eq!(output.read_line(&mut line).unwrap(), 0, "nobody holds the output any more");
    }

    #[test]
    fn the_status_and_the_output_are_the_programs() {
        let output = supervised(Path::new("/bin/sh"))
            .args(["-c", "echo \"$1\"; echo why >&2; exit 7", "sh", "a b"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map(|mut child| {
                let stdin = child.stdin.take();
                let output = child.wait_with_output().unwrap();
                drop(stdin);
                output
            })
            .unwrap();
        assert_eq!(output.status.code(), Some(7));
        assert_eq!((output.stdout.as_slice(), output.stderr.as_slice()), (&b"a b\n"[..], &b"why\n"[..]));
    }
}
