//! The rules of Cầu Nối: pure, without clock, randomness or I/O.
