//! Rules of the house that the source itself must keep.

mod english;
mod imports;
mod source;
