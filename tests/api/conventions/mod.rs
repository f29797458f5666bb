//! What all kinds of records have in common, shown for each of them.

mod making;
