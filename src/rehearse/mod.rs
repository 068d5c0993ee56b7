//! Floor 4: scripts.
