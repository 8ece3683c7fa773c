//! `nim -o lslpp`, `lppchk` and `fix_query` on machines: what AIX answers is printed as it is.

use nim_shared::api::{FixBundleView, ObjectView, QueryAnswer};
use nim_shared::nim::message::{Code, Message};
use nim_shared::nim::order::Order;
use nim_shared::query::{Query, QueryId};

use crate::client::Target;
use crate::command::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::output::text::clean_lines;

use super::machine::{self, Machines};
use super::say;

/// The name that messages have.
const PROGRAM: &str = "nim";

/// One of NIM's operations that ask a machine.
#[derive(Clone, Copy, Debug)]
struct Kind {
    /// What is run.
    id: QueryId,
    /// The attribute with its options.
    options: &'static str,
    /// Its options where none are given.
    default: &'static str,
    /// The attribute with what it is asked about.
    about: &'static str,
}

/// The operation called `name`. Source: the NIM reference, §3.5, also of `-f`; what is run where nothing is said is ours for the
/// other two.
fn kind(name: &str) -> Option<Kind> {
    let kind = |id, options, default, about| Some(Kind { id, options, default, about });
    match name {
        "lslpp" => kind(QueryId::Lslpp, "lslpp_flags", "-L", "filesets"),
        "lppchk" => kind(QueryId::Lppchk, "lppchk_flags", "-f", "filesets"),
        "fix_query" => kind(QueryId::Instfix, "fix_query_flags", "-i", "fixes"),
        _ => None,
    }
}

/// Asks each of `views` what `order` asks for.
///
/// # Errors
/// Nothing was asked.
pub(super) async fn run(
    order: &Order,
    views: Vec<ObjectView>,
    context: &Context,
) -> Result<Exit, Error> {
    let bundles = bundles(order, context).await?;
    let query = query(order, bundles)?;
    // Of a VIOS only what is installed can be asked.
    let of = match order.operation.as_str() {
        "lslpp" => Machines::LparsAndVioses,
        _ => Machines::Lpars,
    };
    let machines = machine::expanded(PROGRAM, views, of, context).await?;
    let several = machines.len() > 1;
    let mut exit = Exit::Done;
    let asked = query.clone();
    let answers = machine::at_a_time(&machines, context, move |name, context| {
        let query = asked.clone();
        async move { machine::ask(&name, &query, &context).await }
    });
    for (view, answer) in answers.await {
        let name = view.object.name.as_str();
        match answer {
            Ok(answer) => exit = exit.max(show(name, &answer, &query, several, context)?),
            Err(error @ Error::NoServer { .. }) => return Err(error),
            Err(error) => exit = exit.max(say::report(PROGRAM, &error, context)),
        }
    }
    Ok(exit)
}

/// The fixes of the bundles that `fix_query` names.
async fn bundles(order: &Order, context: &Context) -> Result<Vec<String>, Error> {
    let mut fixes: Vec<String> = Vec::new();
    let named = order.attributes.iter().filter(|pair| pair.attribute == FIX_BUNDLE);
    for pair in named.filter(|_| order.operation == "fix_query") {
        let target = Target::new(&["fix_bundles", &pair.value]);
        fixes.extend(context.client.get::<FixBundleView>(target).await?.fixes);
    }
    Ok(fixes)
}

/// The attribute with a list of fixes.
const FIX_BUNDLE: &str = "fix_bundle";

/// The question, with everything that the operation takes looked at.
fn query(order: &Order, bundles: Vec<String>) -> Result<Query, Error> {
    let Some(kind) = kind(&order.operation) else {
        return Err(say::usage(format!("{} asks nothing", order.operation), None));
    };
    let lists = if kind.id == QueryId::Instfix { FIX_BUNDLE } else { kind.about };
    let known = [kind.options, kind.about, lists, "async", "verbose"];
    if let Some(pair) = order.attributes.iter().find(|pair| !known.contains(&&*pair.attribute)) {
        return Err(say::usage(
            format!(
                "{} of machines does not take the attribute {}",
                order.operation,
                nim_shared::id::printable(&pair.attribute)
            ),
            Some(format!("it takes {} and {}", kind.options, kind.about)),
        ));
    }
    let about = order.value(kind.about).unwrap_or_default();
    let about = about.split_whitespace().map(str::to_owned).chain(bundles).collect();
    let options = order.value(kind.options).filter(|given| !given.trim().is_empty());
    Query::new(kind.id, options.unwrap_or(kind.default), about).map_err(|bad| {
        say::refused(
            "NLU-0540",
            bad.to_string(),
            "what is more than a question is done on the machine itself",
        )
    })
}

/// Prints one answer; whose it is where there are several.
fn show(
    name: &str,
    answer: &QueryAnswer,
    query: &Query,
    several: bool,
    context: &Context,
) -> Result<Exit, Error> {
    let mut stdout = clean_lines(&answer.stdout);
    if several {
        stdout.insert_str(0, &format!("{name}:\n"));
    }
    context.printer.raw(stdout.as_bytes())?;
    context.printer.on_stderr(&clean_lines(&answer.stderr));
    if answer.status == 0 {
        return Ok(Exit::Done);
    }
    let program = query.invocation().map_or("", |run| run.program);
    let text = format!("An unexpected result was returned by the \"{program}\" command:");
    let message = Message::new(Code::UnexpectedResult, PROGRAM, text)
        .and(format!("exit status {} on {name}; what it wrote stands before this", answer.status));
    Ok(say::message(&message, Exit::DidNotSucceed, context))
}
