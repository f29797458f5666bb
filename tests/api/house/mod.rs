//! Rules of the house that the source itself must keep.

mod english;
mod guards;
mod imports;
mod source;
mod texts;
