//! The plan, the loads, and what the lab says of made runs.
