//! Waivers: who may grant them, what they leave out, and when they end.
