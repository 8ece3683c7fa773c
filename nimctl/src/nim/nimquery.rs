//! `nimquery`: what a management object controls, as its HMC shows it. Source of options and layout: NIM reference §5.1.

use nim_shared::api::{Define, Edit, ObjectView, Pair, PartitionView, SystemView};
use nim_shared::id::ObjectName;
use nim_shared::nim::getopt::{Piece, split};
use nim_shared::object::{ObjectType, Spec};

use crate::client::Target;
use crate::command::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::output::text::clean;

use super::say;

const USAGE: &str = "usage: nimquery -a hmc=HMC [-d] [-p] | -a cec=CEC [-p]";

/// What NIM writes into `comments` of an object that it made so.
const COMMENT: &str = "object defined using nimquery -d";

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Query {
    of: Of,
    define: bool,
    layout: Layout,
}

/// Whom.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Of {
    /// Its frames.
    Hmc(String),
    /// Its partitions.
    Cec(String),
}

/// How a record is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    /// `key=value,key=value` on one line.
    Line,
    /// One item a line, records apart by an empty line.
    Items,
}

/// Answers `arguments`.
///
/// # Errors
/// A command line that cannot be meant, or that nimd does not answer.
pub(super) async fn run(
    program: &str,
    arguments: &[String],
    context: &Context,
) -> Result<Exit, Error> {
    let query = read(arguments)?;
    let (records, systems) = match &query.of {
        Of::Hmc(hmc) => {
            let Some(hmc) = known(hmc) else { return Ok(say::no_object(program, hmc, context)) };
            let target = Target::new(&["hmcs", hmc.as_str(), "systems"]);
            let systems: Vec<SystemView> = match context.client.get(target).await {
                Err(error) if say::is_missing(&error) => {
                    return Ok(say::no_object(program, hmc.as_str(), context));
                }
                answer => answer?,
            };
            (systems.iter().map(system).collect::<Vec<_>>(), systems)
        }
        Of::Cec(cec) => {
            let Some(cec) = known(cec) else { return Ok(say::no_object(program, cec, context)) };
            let target = Target::new(&["frames", cec.as_str(), "partitions"]);
            let partitions: Vec<PartitionView> = match context.client.get(target).await {
                Err(error) if say::is_missing(&error) => {
                    return Ok(say::no_object(program, cec.as_str(), context));
                }
                answer => answer?,
            };
            (partitions.iter().map(partition).collect(), Vec::new())
        }
    };
    if context.printer.format().is_for_people() {
        context.printer.raw(text(&records, query.layout).as_bytes())?;
    } else {
        let objects: Vec<serde_json::Map<_, _>> = records
            .iter()
            .map(|record| {
                record
                    .iter()
                    .map(|(key, value)| ((*key).to_owned(), value.clone().into()))
                    .collect()
            })
            .collect();
        context.printer.data(&objects)?;
    }
    if let (true, Of::Hmc(hmc)) = (query.define, &query.of) {
        define(hmc, &systems, context).await?;
    }
    Ok(Exit::Done)
}

/// A name that an object may have.
fn known(name: &str) -> Option<ObjectName> {
    name.parse().ok()
}

fn read(arguments: &[String]) -> Result<Query, Error> {
    let bad = |what: String| say::usage(what, Some(USAGE.to_owned()));
    let pieces = split(arguments, "dpv", "a", &[]).map_err(|cause| bad(cause.to_string()))?;
    let (mut of, mut define, mut layout) = (None, false, Layout::Line);
    for piece in pieces {
        match piece {
            Piece::Flag('d') => define = true,
            Piece::Flag('p') => layout = Layout::Items,
            // There is no more to say of how it is done: nimd's log has it.
            Piece::Flag(_) => {}
            Piece::Value(_, value) => {
                let one = match value.split_once('=') {
                    Some(("hmc", name)) => Of::Hmc(name.to_owned()),
                    Some(("cec", name)) => Of::Cec(name.to_owned()),
                    Some(("host", _)) => {
                        return Err(say::refused(
                            "NLU-0526",
                            "this master does not ask nimsh: it reaches machines by SSH",
                            "`nimctl agent status LPAR` asks the agent of an LPAR that is defined",
                        ));
                    }
                    Some((other, _)) => {
                        return Err(bad(format!(
                            "the attribute {} is not known to nimquery",
                            clean(other)
                        )));
                    }
                    None => {
                        return Err(bad(format!("\"{}\" is not ATTRIBUTE=VALUE", clean(&value))));
                    }
                };
                if of.replace(one).is_some() {
                    return Err(bad("one management object at a time is asked".to_owned()));
                }
            }
            Piece::Long(word) | Piece::Operand(word) => {
                return Err(bad(format!("\"{}\" is no option of nimquery", clean(&word))));
            }
        }
    }
    let of = of.ok_or_else(|| bad("no management object is named".to_owned()))?;
    if define && matches!(of, Of::Cec(_)) {
        return Err(bad("-d goes with hmc=; `nimctl discover` defines LPARs".to_owned()));
    }
    Ok(Query { of, define, layout })
}

type Record = Vec<(&'static str, String)>;

fn system(system: &SystemView) -> Record {
    let mut record = vec![
        ("name", system.name.clone()),
        ("type_model", system.type_model.clone()),
        ("serial_num", system.serial_num.clone()),
        ("ipaddr", system.ipaddr.clone()),
    ];
    record.extend(system.sp_type.clone().map(|kind| ("sp_type", kind)));
    record
}

fn partition(partition: &PartitionView) -> Record {
    vec![
        ("name", partition.name.clone()),
        ("lpar_id", partition.lpar_id.to_string()),
        ("lpar_env", partition.lpar_env.clone()),
        ("state", partition.state.clone()),
        ("rmc_state", partition.rmc_state.clone()),
        ("rmc_ipaddr", partition.rmc_ipaddr.clone()),
        ("os_version", partition.os_version.clone()),
    ]
}

fn text(records: &[Record], layout: Layout) -> String {
    let one = |record: &Record| match layout {
        Layout::Line => record.iter().map(item).collect::<Vec<_>>().join(",") + "\n",
        Layout::Items => {
            let line = |(key, value): &(&str, String)| format!("{key}={}\n", clean(value));
            record.iter().map(line).collect()
        }
    };
    let between = match layout {
        Layout::Line => "",
        Layout::Items => "\n",
    };
    records.iter().map(one).collect::<Vec<_>>().join(between)
}

/// `key=value` as the HMC writes it: with a comma or a quote in it, the whole pair is quoted.
fn item((key, value): &(&'static str, String)) -> String {
    let pair = format!("{key}={}", clean(value));
    if pair.contains([',', '"']) { format!("\"{}\"", pair.replace('"', "\"\"")) } else { pair }
}

/// Defines a `cec` for each frame that is not on record, and adds the HMC to those that are.
async fn define(hmc: &str, systems: &[SystemView], context: &Context) -> Result<(), Error> {
    let listed = Target::new(&["objects"]).with("type", ObjectType::Cec.name());
    let frames: Vec<ObjectView> = context.client.pages(listed, None).await?;
    let pair = |attribute: &str, value: &str| Pair {
        attribute: attribute.to_owned(),
        value: value.to_owned(),
    };
    for system in systems {
        let on_record = frames.iter().find_map(|view| match &view.object.spec {
            Spec::Cec(cec) => {
                let mtms = cec.mtms();
                (mtms == system.mtms()).then_some((view, cec))
            }
            _ => None,
        });
        match on_record {
            Some((_, cec)) if cec.mgmt_source.iter().any(|one| one.as_str() == hmc) => {}
            Some((view, _)) => {
                let edit = Edit { add: vec![pair("mgmt_source", hmc)], ..Edit::default() };
                let target = Target::new(&["objects", view.object.name.as_str()]);
                let _: ObjectView = context.client.patch(target, &edit).await?;
            }
            None => {
                let (hw_type, hw_model) = system.type_model.split_once('-').unwrap_or_default();
                let name = format!("{}_{}", system.type_model, system.serial_num);
                let name = name.parse().map_err(|cause| {
                    say::usage(format!("{} is no name for an object: {cause}", clean(&name)), None)
                })?;
                let attributes = vec![
                    pair("hw_type", hw_type),
                    pair("hw_model", hw_model),
                    pair("hw_serial", &system.serial_num),
                    pair("system_name", &system.name),
                    pair("mgmt_source", hmc),
                    pair("comments", COMMENT),
                ];
                let body = Define { object_type: ObjectType::Cec, name, attributes };
                let _: ObjectView = context.client.post(Target::new(&["objects"]), &body).await?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(line: &str) -> Result<Query, String> {
        let words: Vec<_> = line.split(' ').map(ToOwned::to_owned).collect();
        read(&words).map_err(|error| error.to_string())
    }

    #[test]
    fn options_are_those_of_the_reference() {
        let hmc = |define, layout| Query { of: Of::Hmc("hmc01".to_owned()), define, layout };
        assert_eq!(query("-a hmc=hmc01"), Ok(hmc(false, Layout::Line)));
        assert_eq!(query("-a hmc=hmc01 -d"), Ok(hmc(true, Layout::Line)));
        assert_eq!(query("-dp -ahmc=hmc01"), Ok(hmc(true, Layout::Items)));
        assert_eq!(
            query("-a cec=p10"),
            Ok(Query { of: Of::Cec("p10".to_owned()), define: false, layout: Layout::Line })
        );
        for line in [
            "-d",
            "-a cec=p10 -d",
            "-a hmc=a -a hmc=b",
            "-a ivm=a",
            "-a hmc",
            "-x",
            "hmc01",
            "-a host=aix01",
        ] {
            assert!(query(line).is_err(), "{line}");
        }
    }

    #[test]
    fn records_are_written_as_the_hmc_does() {
        let view = SystemView {
            name: "p9, left".to_owned(),
            type_model: "9105-42A".to_owned(),
            serial_num: "78ABCD1".to_owned(),
            ipaddr: "10.254.0.3".to_owned(),
            sp_type: Some("ebmc".to_owned()),
            state: "Operating".to_owned(),
        };
        assert_eq!(
            text(&[system(&view)], Layout::Line),
            "\"name=p9, left\",type_model=9105-42A,serial_num=78ABCD1,ipaddr=10.254.0.3,sp_type=ebmc\n"
        );
        let older = SystemView { sp_type: None, name: "p9".to_owned(), ..view };
        assert_eq!(
            text(&[system(&older), system(&older)], Layout::Items),
            "name=p9\ntype_model=9105-42A\nserial_num=78ABCD1\nipaddr=10.254.0.3\n\n\
             name=p9\ntype_model=9105-42A\nserial_num=78ABCD1\nipaddr=10.254.0.3\n"
        );
    }
}
