//! What holds for the store as a whole: every writing function survives a lost connection at COMMIT, the schema comes about
//! once however many start, and it is the one that is checked in; a full disk is none of the caller's faults.

mod commit;
mod room;
mod schema;
