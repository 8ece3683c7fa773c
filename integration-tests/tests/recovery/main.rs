//! What is killed, cut, stopped or hostile in the middle of an update, and that nothing is lost, doubled or started twice by it.

mod action;
mod canary;
mod cancel;
mod connection;
mod database_restored;
mod driver;
mod end;
mod frame;
mod full_disk;
mod hostile;
mod login;
mod nimd_killed;
mod openssh;
mod other_disk;
mod postgres_killed;
mod site;
mod stopped;
mod two_masters;
mod update;
