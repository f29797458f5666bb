//! Rules of the house that the source itself must keep.

mod imports;
