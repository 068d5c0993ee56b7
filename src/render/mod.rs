//! Floor 1: words for people and machines. Pure.
