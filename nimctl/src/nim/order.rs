//! `nim -o …`: makes, changes and removes objects; success is silent.

use nim_shared::api::{Define, Edit, ObjectView};
use nim_shared::id::{ObjectName, printable};
use nim_shared::near::closest;
use nim_shared::nim::message::{Code, Message};
use nim_shared::nim::order::{BadOrder, OPERATIONS, Operation, Order, USAGE};
use nim_shared::nim::predefined;
use nim_shared::object::{ObjectType, Spec};

use crate::client::Target;
use crate::command::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::pair;

use super::object::find;
use super::{allocation, check, cust, lpp, past, query, say, select};

/// The name that messages have.
const PROGRAM: &str = "nim";

/// Does what `arguments` ask for.
///
/// # Errors
/// A command line that cannot be meant, or what nimd refuses.
pub(super) async fn run(arguments: &[String], context: &Context) -> Result<Exit, Error> {
    let order = match Order::read(arguments) {
        Ok(order) => order,
        Err(BadOrder::Nothing) => {
            context.printer.on_stderr(&format!("{USAGE}\n"));
            return Ok(Exit::Usage);
        }
        Err(bad) => return Err(say::usage(bad.to_string(), Some(USAGE.to_owned()))),
    };
    match Operation::named(&order.operation) {
        None => Err(unknown(&order.operation)),
        Some(Operation::Elsewhere(instead)) => Err(say::refused(
            "NLU-0520",
            format!("this master does not do {}: it belongs to network boot", order.operation),
            instead,
        )),
        Some(_) if order.targets.is_empty() => {
            Err(say::usage("the name of an object is missing", Some(USAGE.to_owned())))
        }
        Some(Operation::Define) => define(&order, context).await,
        Some(Operation::Change) => change(&order, context).await,
        Some(Operation::Remove) => remove(&order, context).await,
        Some(Operation::Cust) => cust::run(&order, context).await,
        Some(Operation::AltDiskInstall) => cust::alt_disk_install(&order, context).await,
        Some(Operation::Maint) => cust::maint(&order, context).await,
        Some(
            Operation::Query
            | Operation::Showlog
            | Operation::Reset
            | Operation::Check
            | Operation::Allocate
            | Operation::Deallocate
            | Operation::Select,
        ) => act(&order, context).await,
        Some(Operation::Showres) => lpp::showres(&order, context).await,
        Some(Operation::Update) => lpp::update(&order, context).await,
    }
}

/// An operation that is none, or that this version has not.
fn unknown(operation: &str) -> Error {
    let known: Vec<_> = OPERATIONS.iter().map(|(name, _)| *name).collect();
    let meant = closest(operation, known.iter().copied());
    let meant = meant.map(|name| format!("did you mean {name}? ")).unwrap_or_default();
    say::usage(
        format!(
            "operation \"{}\" is not known to nimctl {}",
            printable(operation),
            nim_shared::VERSION
        ),
        Some(format!("{meant}known are {}", known.join(", "))),
    )
}

/// Does with the objects that are named what is asked for.
async fn act(order: &Order, context: &Context) -> Result<Exit, Error> {
    let found = find(PROGRAM, Target::new(&["objects"]), &order.targets, context).await?;
    if found.views.is_empty() {
        return Ok(found.exit);
    }
    let done = match Operation::named(&order.operation) {
        Some(Operation::Showlog) => past::showlog(order, found.views, context).await?,
        Some(Operation::Reset) => past::reset(order, found.views, context).await?,
        Some(Operation::Check) => check::run(order, found.views, context).await?,
        // Nothing is allocated to some of those that were named.
        Some(Operation::Allocate | Operation::Deallocate) if found.exit != Exit::Done => found.exit,
        Some(Operation::Allocate) => allocation::allocate(order, found.views, context).await?,
        Some(Operation::Deallocate) => allocation::deallocate(order, found.views, context).await?,
        Some(Operation::Select) => select::run(order, found.views, context).await?,
        _ => ask(order, found.views, context).await?,
    };
    Ok(found.exit.max(done))
}

/// Asks what is named. What kind of answer there is depends on the type of the object.
async fn ask(order: &Order, views: Vec<ObjectView>, context: &Context) -> Result<Exit, Error> {
    let is_source = |view: &ObjectView| {
        order.operation == "lslpp" && matches!(view.object.spec, Spec::LppSource(_))
    };
    let (sources, machines): (Vec<_>, Vec<_>) = views.into_iter().partition(is_source);
    let mut exit = Exit::Done;
    if !sources.is_empty() {
        let names = sources.into_iter().map(|view| view.object.name.to_string()).collect();
        exit = exit.max(lpp::lslpp(order, names, context).await?);
    }
    if !machines.is_empty() {
        exit = exit.max(query::run(order, machines, context).await?);
    }
    Ok(exit)
}

async fn define(order: &Order, context: &Context) -> Result<Exit, Error> {
    let [name] = &order.targets[..] else {
        return Err(say::usage("define makes one object: give one name", None));
    };
    let Some(of) = &order.object_type else {
        return Err(say::usage("option -t with the type is missing", Some(USAGE.to_owned())));
    };
    let object_type = of.parse::<ObjectType>().map_err(|unknown| {
        if predefined::is_other_type(of) {
            let known: Vec<_> = ObjectType::ALL.iter().map(|one| one.name()).collect();
            say::usage(
                format!("this master keeps no objects of type {of}"),
                Some(format!("it keeps {}", known.join(", "))),
            )
        } else {
            say::usage(unknown.to_string(), None)
        }
    })?;
    let name: ObjectName = name.parse().map_err(|bad| say::usage(format!("{bad}"), None))?;
    let given = order.attributes.iter().filter(|pair| !SILENT.contains(&pair.attribute.as_str()));
    let mut given: Vec<_> = given.cloned().collect();
    let copy = match object_type {
        ObjectType::LppSource => lpp::copied(&mut given),
        _ => None,
    };
    if let Some((attribute, why)) =
        NOT_DONE.iter().find(|(attribute, _)| given.iter().any(|pair| pair.attribute == *attribute))
    {
        return Err(say::refused(
            "NLU-0521",
            format!("{name} is not defined: of {attribute} this master makes nothing"),
            *why,
        ));
    }
    let body = Define { object_type, name: name.clone(), attributes: pair::defined(given) };
    let answer = context.client.post::<ObjectView>(Target::new(&["objects"]), &body).await;
    match answer {
        Ok(_) => match copy {
            Some(packages) => lpp::copy(&name, &packages, context).await,
            None => Ok(Exit::Done),
        },
        Err(error @ Error::Server(_)) => {
            // The refusal of a name that is taken has a code of its own in NIM.
            match context.client.get::<ObjectView>(Target::new(&["objects", name.as_str()])).await {
                Ok(other) if is_refused(&error) => {
                    let of = other.object.spec.object_type();
                    let text = format!(
                        "the name of an object has to be unique: \"{name}\" is of type {of}"
                    );
                    let next = format!("lsnim -l {name}");
                    let message = Message::new(Code::NotUnique, PROGRAM, text).then(next);
                    Ok(say::message(&message, Exit::Refused, context))
                }
                _ => Err(error),
            }
        }
        Err(error) => Err(error),
    }
}

/// Whether nothing but the state of the inventory stood against it.
fn is_refused(error: &Error) -> bool {
    error.failure().kind == nim_shared::api::FailureKind::Refused
}

/// Attributes that ask NIM to talk: it is done without them.
const SILENT: [&str; 2] = ["verbose", "show_progress"];

/// Attributes that have NIM make what the object stands for, which this master does not do. What to do instead.
const NOT_DONE: [(&str, &str); 6] = [
    ("source", COPY),
    ("packages", COPY),
    ("mk_image", "make the image on the machine, and define it with its location"),
    ("mksysb_flags", "make the image on the machine, and define it with its location"),
    ("size_preview", "make the image on the machine, and define it with its location"),
    ("exclude_files", "make the image on the machine, and define it with its location"),
];

const COPY: &str =
    "copy the images to the location yourself, and define the object without this attribute";

async fn change(order: &Order, context: &Context) -> Result<Exit, Error> {
    if order.attributes.is_empty() {
        return Err(say::usage("nothing is to be changed: give -a Attribute=Value", None));
    }
    let edit = Edit { force: order.force, ..pair::edit(order.attributes.iter().cloned()) };
    let found = find(PROGRAM, Target::new(&["objects"]), &order.targets, context).await?;
    let mut exit = found.exit;
    for view in found.views {
        let name = view.object.name;
        let target = Target::new(&["objects", name.as_str()]);
        match context.client.patch::<ObjectView>(target.clone(), &edit).await {
            // A group without members is none.
            Ok(view) if matches!(&view.object.spec, Spec::MacGroup(group) if group.member.is_empty()) =>
            {
                context.client.delete(target).await?;
            }
            Ok(_) => {}
            Err(error) => exit = exit.max(one(&error, name.as_str(), context)?),
        }
    }
    Ok(exit)
}

async fn remove(order: &Order, context: &Context) -> Result<Exit, Error> {
    if let Some(pair) = order.attributes.first() {
        return Err(say::refused(
            "NLU-0521",
            format!(
                "nothing is removed: of {} this master makes nothing",
                printable(&pair.attribute)
            ),
            "remove the object without attributes; what it stands for stays",
        ));
    }
    if let Some(pattern) = order.targets.iter().find(|name| name.contains(['*', '?'])) {
        return Err(say::usage(
            format!("\"{}\" names many: what is removed is named one by one", printable(pattern)),
            None,
        ));
    }
    let mut exit = Exit::Done;
    for name in &order.targets {
        if name.parse::<ObjectName>().is_err() {
            exit = exit.max(say::no_object(PROGRAM, name, context));
            continue;
        }
        if let Err(error) = context.client.delete(Target::new(&["objects", name])).await {
            exit = exit.max(one(&error, name, context)?);
        }
    }
    Ok(exit)
}

/// Reports what went wrong with one of several objects. What the others would hear nobody either is an error.
fn one(error: &Error, name: &str, context: &Context) -> Result<Exit, Error> {
    match error {
        error if say::is_missing(error) => Ok(say::no_object(PROGRAM, name, context)),
        Error::Server(_) => Ok(say::report(PROGRAM, error, context)),
        other => Err(Error::Server(Box::new(other.failure()))),
    }
}
