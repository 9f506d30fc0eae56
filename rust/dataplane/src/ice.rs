//! ICE for a server (RFC 8445 section 2.5, lite): answers checks, remembers what it validated, obeys nomination.

use std::net::SocketAddr;
use std::time::Duration;

use crate::api::SocketId;
use crate::time::Time;

/// Without an authentic packet for so long a transport counts as disconnected. Consent is asked for every 4 to 6 seconds
/// (RFC 7675 section 5.1), so one lost check must not be enough.
pub const DISCONNECTED_AFTER: Duration = Duration::from_secs(8);
/// Consent lasts so long (RFC 7675 section 5.1); after it nothing is sent any more.
pub const CONSENT_LASTS: Duration = Duration::from_secs(30);
/// The most addresses of one peer that are remembered; the one not checked for longest makes place.
const MAX_PATHS: usize = 16;

/// The user name fragment and password of one end (RFC 8445 section 5.3).
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    pub ufrag: String,
    pub password: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("ufrag", &self.ufrag).finish_non_exhaustive()
    }
}

/// An address of the peer from which an authentic check came, and our socket that it reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Path {
    pub socket: SocketId,
    pub peer: SocketAddr,
}

#[derive(Clone, Copy, Debug)]
struct ValidatedPath {
    path: Path,
    checked: Time,
}

/// What a valid check changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CheckOutcome {
    /// The address is new; the one it pushed out, if the list was full.
    pub added: bool,
    pub evicted: Option<Path>,
    /// Media goes another way from now on.
    pub selected_changed: bool,
}

/// The lite agent of one transport.
#[derive(Debug)]
pub struct Agent {
    local: Credentials,
    /// The credentials of before a restart; they are good until a check with the new ones came (RFC 8445 section 9).
    previous: Option<Credentials>,
    remote_ufrag: Option<String>,
    paths: Vec<ValidatedPath>,
    selected: Option<Path>,
    heard: Time,
}

impl Agent {
    pub fn new(local: Credentials, now: Time) -> Agent {
        Agent { local, previous: None, remote_ufrag: None, paths: Vec::new(), selected: None, heard: now }
    }

    pub fn set_remote_ufrag(&mut self, ufrag: String) {
        self.remote_ufrag = Some(ufrag);
    }

    /// RFC 8445 section 9: new credentials; the path in use stays until a new one is validated.
    pub fn restart(&mut self, local: Credentials, remote_ufrag: Option<String>) {
        self.previous = Some(std::mem::replace(&mut self.local, local));
        self.remote_ufrag = remote_ufrag;
    }

    /// All user name fragments by which checks for this transport may come.
    pub fn ufrags(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.local).chain(&self.previous).map(|credentials| credentials.ufrag.as_str())
    }

    /// The password for a check's USERNAME, "local:remote" (RFC 8445 section 7.2.2), if it is ours.
    pub fn password_for(&self, username: &[u8]) -> Option<&str> {
        let colon = username.iter().position(|&byte| byte == b':')?;
        let (local, remote) = (username.get(..colon)?, username.get(colon + 1..)?);
        if self.local.ufrag.as_bytes() == local {
            let expected = self.remote_ufrag.as_ref().is_none_or(|ufrag| ufrag.as_bytes() == remote);
            return expected.then_some(self.local.password.as_str());
        }
        let previous = self.previous.as_ref().filter(|previous| previous.ufrag.as_bytes() == local)?;
        Some(&previous.password)
    }

    /// A check whose integrity was verified. `nominated`: it had USE-CANDIDATE.
    ///
    /// A controlled agent uses the pair nominated last (section 8.1.1 lets the controlling one change its mind); until
    /// one is nominated, the first that was validated.
    pub fn handle_check(&mut self, now: Time, username: &[u8], path: Path, nominated: bool) -> CheckOutcome {
        let current =
            username.strip_prefix(self.local.ufrag.as_bytes()).is_some_and(|rest| rest.starts_with(b":"));
        let mut outcome = CheckOutcome::default();
        if current && self.previous.is_some() {
            // The peer has moved to the new credentials.
            self.previous = None;
        }
        self.heard = now;
        match self.paths.iter_mut().find(|validated| validated.path == path) {
            Some(validated) => validated.checked = now,
            None => {
                if self.paths.len() >= MAX_PATHS {
                    outcome.evicted = self.evict();
                }
                self.paths.push(ValidatedPath { path, checked: now });
                outcome.added = true;
            }
        }
        let selected = match self.selected {
            Some(_) if nominated => path,
            Some(selected) => selected,
            None => path,
        };
        outcome.selected_changed = self.selected != Some(selected);
        self.selected = Some(selected);
        outcome
    }

    fn evict(&mut self) -> Option<Path> {
        let selected = self.selected;
        let (index, _) = self
            .paths
            .iter()
            .enumerate()
            .filter(|(_, validated)| Some(validated.path) != selected)
            .min_by_key(|(_, validated)| validated.checked)?;
        Some(self.paths.swap_remove(index).path)
    }

    /// A packet that proved itself with the session's keys: the peer is alive.
    pub fn handle_authentic(&mut self, now: Time) {
        self.heard = now;
    }

    /// Where packets go, while there is consent.
    pub fn selected(&self) -> Option<Path> {
        self.selected
    }

    pub fn paths(&self) -> impl Iterator<Item = Path> + '_ {
        self.paths.iter().map(|validated| validated.path)
    }

    /// When the peer was last heard, by check or authentic packet.
    pub fn heard(&self) -> Time {
        self.heard
    }

    /// Whether the peer consents to what is sent to it. Consent is given by a check and is that of one path (RFC 7675
    /// section 5.1): when the one in use has lost it, another that has it takes its place.
    pub fn keep_consent(&mut self, now: Time) -> bool {
        let consents = |validated: &&ValidatedPath| now.since(validated.checked) < CONSENT_LASTS;
        let Some(selected) = self.selected else { return true };
        if self.paths.iter().filter(consents).any(|validated| validated.path == selected) {
            return true;
        }
        let latest = self.paths.iter().filter(consents).max_by_key(|validated| validated.checked);
        if let Some(latest) = latest {
            self.selected = Some(latest.path);
        }
        latest.is_some()
    }

    /// Begins as if no check had come yet; the paths known so far are returned, and are valid no more.
    pub fn forget_paths(&mut self, now: Time) -> Vec<Path> {
        self.selected = None;
        self.heard = now;
        std::mem::take(&mut self.paths).into_iter().map(|validated| validated.path).collect()
    }

    pub fn ever_checked(&self) -> bool {
        self.selected.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credentials(name: &str) -> Credentials {
        Credentials { ufrag: name.to_owned(), password: format!("password of {name} 0123456789") }
    }

    fn path(port: u16) -> Path {
        Path { socket: SocketId(0), peer: SocketAddr::from(([127, 0, 0, 1], port)) }
    }

    #[test]
    fn the_first_valid_path_serves_until_one_is_nominated() {
        let mut agent = Agent::new(credentials("Aone"), Time::ZERO);
        assert!(agent.handle_check(Time::ZERO, b"Aone:peer", path(1), false).selected_changed);
        assert!(!agent.handle_check(Time::ZERO, b"Aone:peer", path(2), false).selected_changed);
        assert_eq!(agent.selected(), Some(path(1)));
        assert!(agent.handle_check(Time::ZERO, b"Aone:peer", path(2), true).selected_changed);
        assert_eq!(agent.selected(), Some(path(2)));
    }

    #[test]
    fn a_password_is_given_for_our_own_fragment_and_the_known_peer_only() {
        let mut agent = Agent::new(credentials("Aone"), Time::ZERO);
        assert!(agent.password_for(b"Aone:anybody").is_some());
        agent.set_remote_ufrag("peer".to_owned());
        assert!(agent.password_for(b"Aone:peer").is_some());
        for other in [&b"Aone:other"[..], b"Atwo:peer", b"Aone", b"", b":", b"Aonepeer"] {
            assert!(agent.password_for(other).is_none());
        }
    }

    #[test]
    fn a_restart_keeps_the_old_path_until_the_new_credentials_are_used() {
        let mut agent = Agent::new(credentials("Aone"), Time::ZERO);
        agent.handle_check(Time::ZERO, b"Aone:peer", path(1), true);
        agent.restart(credentials("Atwo"), Some("peer2".to_owned()));
        assert_eq!(agent.selected(), Some(path(1)));
        assert!(agent.password_for(b"Aone:peer").is_some());
        agent.handle_check(Time::ZERO, b"Atwo:peer2", path(2), true);
        assert_eq!(agent.selected(), Some(path(2)));
        assert!(agent.password_for(b"Aone:peer").is_none());
    }

    #[test]
    fn paths_are_bounded_and_the_one_in_use_stays() {
        let mut agent = Agent::new(credentials("Aone"), Time::ZERO);
        for port in 0..100 {
            agent.handle_check(Time::from_millis(u64::from(port)), b"Aone:peer", path(port), port == 0);
        }
        assert_eq!(agent.paths().count(), MAX_PATHS);
        assert!(agent.paths().any(|known| known == path(0)));
        assert_eq!(agent.selected(), Some(path(0)));
    }

    #[test]
    fn consent_ends_thirty_seconds_after_the_last_check() {
        let mut agent = Agent::new(credentials("Aone"), Time::ZERO);
        assert!(agent.keep_consent(Time::from_millis(99_000)), "nothing is sent yet");
        agent.handle_check(Time::from_millis(1_000), b"Aone:peer", path(1), true);
        agent.handle_authentic(Time::from_millis(20_000));
        assert!(agent.keep_consent(Time::from_millis(30_999)));
        assert!(!agent.keep_consent(Time::from_millis(31_000)));
    }

    #[test]
    fn checks_of_one_path_are_no_consent_for_another() {
        let mut agent = Agent::new(credentials("Aone"), Time::ZERO);
        agent.handle_check(Time::ZERO, b"Aone:peer", path(1), true);
        for second in (0..60).step_by(5) {
            let now = Time::from_millis(second * 1_000);
            agent.handle_check(now, b"Aone:peer", path(2), false);
            assert!(agent.keep_consent(now));
            assert_eq!(agent.selected(), Some(path(if second < 30 { 1 } else { 2 })));
        }
    }
}
