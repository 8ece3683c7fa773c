//! What a person does, from the command line to the LPAR and back.

mod allocation;
mod alt_disk;
mod ask;
mod big;
mod codes;
mod console;
mod cookbook;
mod discover;
mod fix;
mod fixtures;
mod group;
mod hook;
mod install;
mod live_update_data;
mod maint;
mod nim;
mod packages;
mod preflight;
mod prep;
mod query;
mod retry;
mod round_trip;
mod script;
mod split;
mod update;
mod vios;
