//! `dpasswd -f FILE -U USER`: the password of a console's user, stored as a secret of nimd, FILE being its name.
//!
//! It is asked for without echo, unlike NIM's, and never taken from the command line, where everybody on the host could read it.

use nim_shared::api::{Edit, ObjectView, Pair};
use nim_shared::nim::getopt::{self, Piece};
use nim_shared::object::{ObjectType, PasswordFile, Spec};

use crate::client::Target;
use crate::command::{Context, secret};
use crate::error::Error;
use crate::exit::Exit;

use super::say;

const USAGE: &str = "usage: dpasswd -f File -U User";

/// Asks for a password and stores it.
///
/// # Errors
/// A command line that cannot be meant, another user than the consoles have that name the file, or what nimd refuses.
pub(super) async fn run(arguments: &[String], context: &Context) -> Result<Exit, Error> {
    let usage = |what: &str| say::usage(what, Some(USAGE.to_owned()));
    let (mut file, mut user) = (None, None);
    let pieces = getopt::split(arguments, "?", "fUP", &[]);
    for piece in pieces.map_err(|bad| usage(&bad.to_string()))? {
        match piece {
            Piece::Value('f', value) => file = Some(value),
            Piece::Value('U', value) => user = Some(value),
            Piece::Value(..) => {
                return Err(say::usage(
                    "a password on a command line can be read by everybody on this host: nothing was stored",
                    Some("leave -P out; it is asked for, or read from standard input".to_owned()),
                ));
            }
            Piece::Flag(_) | Piece::Long(_) => {
                return Err(usage("the file and the user are not said"));
            }
            Piece::Operand(_) => return Err(usage("there is a word too many")),
        }
    }
    let (Some(file), Some(user)) = (file, user) else {
        return Err(usage("option -f with the file and option -U with the user are needed"));
    };
    let file: PasswordFile = file.parse().map_err(|bad| usage(&format!("{bad}")))?;
    let nameless = logins(&file, &user, context).await?;
    context.printer.raw(format!("Password file is {file}\n").as_bytes())?;
    secret::set(&file, Some(user.clone()), context).await?;
    for console in nameless {
        let pair = Pair { attribute: "login".to_owned(), value: user.clone() };
        let edit = Edit { set: vec![pair], ..Edit::default() };
        let target = Target::new(&["objects", console.object.name.as_str()]);
        context.client.patch::<ObjectView>(target, &edit).await?;
    }
    Ok(Exit::Done)
}

/// The consoles that name `file` and have no login yet.
///
/// # Errors
/// When one of them has another login than `user`: the password would be tried for the wrong one.
async fn logins(
    file: &PasswordFile,
    user: &str,
    context: &Context,
) -> Result<Vec<ObjectView>, Error> {
    let target = Target::new(&["objects"]).with("type", ObjectType::Hmc.name());
    let mut consoles: Vec<ObjectView> = context.client.pages(target, None).await?;
    consoles.retain(|view| {
        matches!(&view.object.spec, Spec::Hmc(hmc) if hmc.passwd_file.as_ref() == Some(file))
    });
    let login = |view: &ObjectView| match &view.object.spec {
        Spec::Hmc(hmc) => hmc.login.clone(),
        _ => None,
    };
    for view in &consoles {
        if let Some(other) = login(view).filter(|login| login != user) {
            let name = &view.object.name;
            return Err(say::refused(
                "NLU-0528",
                format!("{file} is the passwd_file of {name}, whose login is {other}, not {user}"),
                format!("give that user, or change it: nim -o change -a login={user} {name}"),
            ));
        }
    }
    consoles.retain(|view| login(view).is_none());
    Ok(consoles)
}
