//! `dkeyexch -f FILE -I hmc -H HOST`: the public key of the master goes onto a console, by a login with the password that `dpasswd`
//! stored. NIM's writes the password into a file when asked (`-S`); this one never shows it.

use nim_shared::api::{ExchangeKey, KeyExchanged, ObjectView};
use nim_shared::nim::getopt::{self, Piece};
use nim_shared::object::{ObjectType, PasswordFile, Spec};

use crate::client::Target;
use crate::command::Context;
use crate::error::Error;
use crate::exit::Exit;

use super::say;

const USAGE: &str = "usage: dkeyexch -f File -I hmc -H Host";

/// Exchanges the key.
///
/// # Errors
/// A command line that cannot be meant, a host that is no `hmc`, or why the console does not let the master in.
pub(super) async fn run(arguments: &[String], context: &Context) -> Result<Exit, Error> {
    let usage = |what: &str| say::usage(what, Some(USAGE.to_owned()));
    let (mut file, mut kind, mut host) = (None, None, None);
    let pieces = getopt::split(arguments, "?S", "fIH", &[]);
    for piece in pieces.map_err(|bad| usage(&bad.to_string()))? {
        match piece {
            Piece::Value('f', value) => file = Some(value),
            Piece::Value('I', value) => kind = Some(value),
            Piece::Value(_, value) => host = Some(value),
            Piece::Flag('S') => {
                return Err(say::usage(
                    "a password is never written in clear: -S is not done here",
                    Some("the LPAR gets it when it logs in to the console".to_owned()),
                ));
            }
            Piece::Flag(_) | Piece::Long(_) => {
                return Err(usage("the file, the type and the host are not said"));
            }
            Piece::Operand(_) => return Err(usage("there is a word too many")),
        }
    }
    let (Some(file), Some(kind), Some(host)) = (file, kind, host) else {
        return Err(usage(
            "option -f with the file, -I with the type and -H with the host are needed",
        ));
    };
    let file: PasswordFile = file.parse().map_err(|bad| usage(&format!("{bad}")))?;
    if kind != ObjectType::Hmc.name() {
        return Err(usage("keys are exchanged with consoles of type hmc"));
    }
    let console = console(&host, context).await?;
    let target = Target::new(&["hmcs", console.object.name.as_str(), "key"]);
    let ask = ExchangeKey { secret: Some(file.secret().clone()) };
    let done: KeyExchanged = context.client.post(target, &ask).await?;
    if !context.printer.format().is_for_people() {
        context.printer.data(&done)?;
        return Ok(Exit::Done);
    }
    let KeyExchanged { hmc, user, was_there } = done;
    let how =
        if was_there { "as before; no password was sent" } else { "a login with it was tried" };
    context
        .printer
        .raw(format!("{hmc} lets this master in as {user} with its key: {how}\n").as_bytes())?;
    Ok(Exit::Done)
}

/// The console that `host` names, by the name of its object or by its address.
async fn console(host: &str, context: &Context) -> Result<ObjectView, Error> {
    let target = Target::new(&["objects"]).with("type", ObjectType::Hmc.name());
    let mut consoles: Vec<ObjectView> = context.client.pages(target, None).await?;
    let is = |view: &ObjectView| match &view.object.spec {
        Spec::Hmc(hmc) => view.object.name.as_str() == host || hmc.if1.hostname == host,
        _ => false,
    };
    let found = consoles.iter().position(is).map(|at| consoles.swap_remove(at));
    found.ok_or_else(|| {
        say::refused(
            "NLU-0530",
            format!("no hmc is called {host} or has that address"),
            format!("define it: nim -o define -t hmc -a if1=\"find_net {host} 0\" {host}"),
        )
    })
}
