//! The wire reference: its rows (section 10, where sources disagree) and its traps (section 0). Other tests cover
//! many of them, and each names its points in a line above it, as here.

mod named;
mod rows;
mod shapes;
mod traps;
