//! Which directory a queue file lies in.
//!
//! Queues named in `hash_queue_names` are spread over subdirectories by the first characters of the id
//! (of the microseconds in hex for a long id), `hash_queue_depth` levels deep; the others are flat.

use super::id;
use std::path::{Path, PathBuf};

/// How a spool's queues are spread over directories (postconf(5): `hash_queue_names`, `hash_queue_depth`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The queues that are spread, by directory name.
    pub hashed: Vec<String>,
    /// How many levels; Postfix allows 1 to 16.
    pub depth: usize,
}

impl Default for Layout {
    /// Postfix's defaults since 2.0: `deferred, defer`, one level.
    fn default() -> Self {
        Self {
            hashed: vec!["deferred".into(), "defer".into()],
            depth: 1,
        }
    }
}

impl Layout {
    /// From the two parameters' values; what cannot be used falls back to the default.
    pub fn from_parameters(names: &str, depth: &str) -> Self {
        Self {
            hashed: names
                .split(|c: char| c == ',' || c.is_whitespace())
                .filter(|name| !name.is_empty())
                .map(str::to_ascii_lowercase)
                .collect(),
            depth: depth.trim().parse().unwrap_or(1).clamp(1, 16),
        }
    }

    /// The directory of the id in the queue, relative to the queue directory: `deferred/3`. The id must be
    /// valid ([`super::QueueId::is_valid`]).
    pub fn directory(&self, queue: &str, id: &str) -> PathBuf {
        let mut path = PathBuf::from(queue);
        if !self
            .hashed
            .iter()
            .any(|name| name.eq_ignore_ascii_case(queue))
        {
            return path;
        }
        let hashed = match id::separator(id.as_bytes()) {
            Some(at) => id::hash_text(id.as_bytes(), at),
            None => id.to_string(),
        };
        let mut characters = hashed.chars();
        for _ in 0..self.depth {
            // A name shorter than the depth goes on with underscores.
            path.push(characters.next().unwrap_or('_').to_string());
        }
        path
    }

    /// The path of the id in the queue below `queue_directory`.
    pub fn path(&self, queue_directory: &Path, queue: &str, id: &str) -> PathBuf {
        let mut path = queue_directory.join(self.directory(queue, id));
        path.push(id);
        path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_postfix_put_them() {
        // Both pairs were made by Postfix 3.7.11.
        let layout = Layout::default();
        let path = |queue, id| layout.path(Path::new("/q"), queue, id);
        assert_eq!(
            path("deferred", "4jXWPC1kjFz1SRsX"),
            Path::new("/q/deferred/3/4jXWPC1kjFz1SRsX")
        );
        assert_eq!(
            path("defer", "BCD6498C0B1"),
            Path::new("/q/defer/B/BCD6498C0B1")
        );
        assert_eq!(
            path("active", "BCD6498C0B1"),
            Path::new("/q/active/BCD6498C0B1")
        );
    }

    #[test]
    fn depth_and_names_come_from_parameters() {
        let layout = Layout::from_parameters("incoming, Active deferred", "2");
        assert_eq!(
            layout.directory("active", "4jXWPC1kjFz1SRsX"),
            Path::new("active/3/B")
        );
        assert_eq!(layout.directory("defer", "BCD64"), Path::new("defer"));
        assert_eq!(
            Layout::from_parameters("hold", "99").directory("hold", "AB"),
            Path::new("hold/A/B/_/_/_/_/_/_/_/_/_/_/_/_/_/_")
        );
    }
}
