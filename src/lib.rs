pub mod access;
pub mod db;
pub mod engine;
pub mod journal;
pub mod problem;
pub mod registers;
pub mod world;
