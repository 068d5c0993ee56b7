//! Floor 3: one pass: observe, plan, guard, apply.
