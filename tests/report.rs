//! the report against the real log and pflogsumm
