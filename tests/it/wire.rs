//! The wire reference, point by point: its rows (section 10, where sources disagree) and its traps
//! (section 0). Many are shown by other tests; each of those says so in a line above it, as here.

mod named;
mod rows;
mod shapes;
mod traps;
