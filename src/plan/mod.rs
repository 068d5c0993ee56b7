//! Floor 1: the decision. Pure.
