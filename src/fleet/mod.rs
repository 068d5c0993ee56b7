//! Floor 1: the files of the fleet, read and written as text. Pure.

pub mod userdata;
