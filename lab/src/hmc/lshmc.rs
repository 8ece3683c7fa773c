//! `lshmc -V`: one record with a value over several lines (HV §1.8).

use super::{Failure, missing};
use crate::world::World;

pub(super) fn run(world: &World, hmc: &str, arguments: &[String]) -> Result<String, Failure> {
    let Some(state) = world.hmcs.get(hmc).filter(|_| arguments.iter().any(|word| word == "-V"))
    else {
        return Err(missing("-V"));
    };
    let (version, release, pack) = (state.version, state.release, state.service_pack);
    Ok(format!(
        "\"version= Version: {version}\n Release: {release}\n Service Pack: {pack}\nHMC Build level 2408210051\n\
         MF71689 - HMC V{version}R{release} M{pack}\n\",\"base_version=V{version}R{release}\"\n"
    ))
}
