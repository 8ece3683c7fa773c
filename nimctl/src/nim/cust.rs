//! `nim -o cust …` and `nim -o maint …`: what of their command lines is theirs.

use nim_shared::api::{ObjectView, Pair};
use nim_shared::id::ClientToken;
use nim_shared::nim::order::Order;
use nim_shared::object::Spec;
use uuid::Uuid;

use crate::cli::Cust;
use crate::client::Target;
use crate::command::Context;
use crate::command::cust::{alt_disk, attributes, maint};
use crate::error::Error;
use crate::exit::Exit;
use crate::pair::Assignment;

use super::operate::{self, Targets};
use super::say;

/// The name that messages have.
const PROGRAM: &str = "nim";

/// Does what `given` asks for.
///
/// # Errors
/// What cannot be asked for, and what nimd refuses: nothing was started.
pub(super) async fn run(given: &Order, context: &Context) -> Result<Exit, Error> {
    let targets = match Targets::find(given, context).await? {
        Ok(targets) => targets,
        Err(exit) => return Ok(exit),
    };
    let given = expanded(given, context).await?;
    let mut args = Cust {
        attributes: given
            .iter()
            .map(|pair| Assignment { attribute: pair.attribute.clone(), value: pair.value.clone() })
            .collect(),
        preview: false,
        detach: false,
        targets: targets.names(),
    };
    let has = |attribute: &str| given.iter().any(|pair| pair.attribute == attribute);
    let live_update =
        given.iter().any(|pair| pair.attribute == "live_update" && pair.value == "yes");
    let names_none = !["fixes", "fix_bundle", "filesets", "installp_bundle"].into_iter().any(has);
    if live_update && names_none && has("lpp_source") {
        // As NIM: then the source is named for nothing, and the kernel moves as it is.
        args.attributes.retain(|assignment| assignment.attribute != "lpp_source");
        let text =
            "nothing is installed from lpp_source: no fixes, filesets or installp_bundle are given";
        say::warning("NLU-0524", PROGRAM, text, context);
    }
    let order = attributes::order(&args, ClientToken(Uuid::new_v4()))?;
    // NIM waits for one machine, and does not for a group; async= says otherwise.
    let detach = if has("async") { order.detach } else { targets.is_group() };
    operate::run("cust", order.body, detach, &targets, context).await
}

/// Does what `given` asks for.
///
/// # Errors
/// As [`run`].
pub(super) async fn maint(given: &Order, context: &Context) -> Result<Exit, Error> {
    let targets = match Targets::find(given, context).await? {
        Ok(targets) => targets,
        Err(exit) => return Ok(exit),
    };
    let talk = ["show_progress", "verbose"];
    let pairs = given.attributes.iter().filter(|pair| !talk.contains(&pair.attribute.as_str()));
    let pairs: Vec<_> = pairs.cloned().collect();
    let order = maint::order(&pairs, targets.names(), ClientToken(Uuid::new_v4()))?;
    let detach = if given.value("async").is_some() { order.detach } else { targets.is_group() };
    operate::run("maint", order.body, detach, &targets, context).await
}

/// Does what `given` asks for. NIM never waits for it; `async=no` does.
///
/// # Errors
/// As [`run`].
pub(super) async fn alt_disk_install(given: &Order, context: &Context) -> Result<Exit, Error> {
    let targets = match Targets::find(given, context).await? {
        Ok(targets) => targets,
        Err(exit) => return Ok(exit),
    };
    let pairs = expanded(given, context).await?;
    let order = alt_disk::order(&pairs, targets.names(), ClientToken(Uuid::new_v4()))?;
    operate::run("alt_disk_install", order.body, order.detach, &targets, context).await
}

/// The attributes, with those that a group of resources stands for, without those that only ask NIM to talk.
pub(super) async fn expanded(given: &Order, context: &Context) -> Result<Vec<Pair>, Error> {
    let mut attributes: Vec<Pair> = Vec::new();
    let mut more = Vec::new();
    for pair in &given.attributes {
        match pair.attribute.as_str() {
            "show_progress" | "verbose" => {}
            "group" => {
                let target = Target::new(&["objects", &pair.value]);
                let view: ObjectView = context.client.get(target).await?;
                let Spec::ResGroup(group) = &view.object.spec else {
                    let of = view.object.spec.object_type();
                    return Err(say::usage(
                        format!(
                            "group takes a group of resources, and {} is of type {of}",
                            pair.value
                        ),
                        None,
                    ));
                };
                let rows = view.object.spec.attributes().into_iter();
                more.extend(rows.filter(|(attribute, _)| !group.kept.contains_key(attribute)));
            }
            _ => attributes.push(pair.clone()),
        }
    }
    for (attribute, value) in more {
        let attribute = attribute.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned();
        // What was given by name counts.
        if !given.attributes.iter().any(|pair| pair.attribute == attribute) {
            attributes.push(Pair { attribute, value });
        }
    }
    Ok(attributes)
}
