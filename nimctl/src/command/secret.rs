//! `secret`: only names come back; a secret is typed, or read from standard input, never written on a command line.

use std::io::{self, BufRead, IsTerminal};

use nim_shared::api::{Rotated, SecretView, SetSecret};
use nim_shared::frame::SecretText;
use nim_shared::object::PasswordFile;
use nim_shared::stamp::Timestamp;
use serde::Serialize;
use time::OffsetDateTime;

use crate::cli::Secret;
use crate::client::Target;
use crate::command::{Context, each, hidden};
use crate::error::Error;
use crate::exit::Exit;
use crate::output::table::{Columns, Piece};
use crate::output::text::{Paint, ago, count};
use crate::output::{Style, View};

pub(super) async fn run(args: &Secret, context: &Context) -> Result<Exit, Error> {
    match args {
        Secret::Set { name } => {
            let view = set(name, None, context).await?;
            if context.printer.format().is_for_people() {
                context.printer.done(&format!("secret {name} set, version {}", view.version))?;
            } else {
                context.printer.data(&view)?;
            }
            Ok(Exit::Done)
        }
        Secret::List => {
            let secrets = context.client.whole(Target::new(&["secrets"])).await?;
            context.printer.show(&Secrets(secrets))?;
            Ok(Exit::Done)
        }
        Secret::Rotate => {
            let done: Rotated = context.client.post(Target::new(&["secret-key"]), &()).await?;
            if context.printer.format().is_for_people() {
                let secrets = count(usize::try_from(done.secrets).unwrap_or(usize::MAX), "secret");
                context.printer.done(&format!(
                    "{secrets} sealed with a new key; keep a copy of secret.key of this master with its backups"
                ))?;
            } else {
                context.printer.data(&done)?;
            }
            Ok(Exit::Done)
        }
        Secret::Remove { names } => {
            each(names, context, async |name| {
                let target = Target::new(&["secrets", name.secret().as_str()]);
                context.client.delete(target).await?;
                context.printer.done(&format!("secret {name} removed"))
            })
            .await
        }
    }
}

/// Asks for a secret, the password of `login` where that is known, and stores it.
pub(crate) async fn set(
    name: &PasswordFile,
    login: Option<String>,
    context: &Context,
) -> Result<SecretView, Error> {
    let body = SetSecret { value: ask(name)?, login };
    context.client.put(Target::new(&["secrets", name.secret().as_str()]), &body).await
}

/// Asks for a secret twice without echo, or takes the first line of standard input.
fn ask(name: &PasswordFile) -> Result<SecretText, Error> {
    let unread =
        |cause| Error::File { what: "read the secret from", path: "standard input".into(), cause };
    let text = if io::stdin().is_terminal() {
        let text = hidden::ask(&format!("secret {name}: ")).map_err(unread)?;
        let again = hidden::ask("once more: ").map_err(unread)?;
        if text != again {
            return Err(unusable("the two are not the same; nothing was changed"));
        }
        text
    } else {
        let mut text = String::new();
        io::stdin().lock().read_line(&mut text).map_err(unread)?;
        text.trim_end_matches(['\n', '\r']).to_owned()
    };
    if text.is_empty() {
        return Err(unusable("an empty secret is none; nothing was changed"));
    }
    Ok(SecretText::new(text))
}

fn unusable(what: &str) -> Error {
    Error::Usage { what: what.to_owned(), faults: Vec::new(), hint: None }
}

#[derive(Serialize)]
#[serde(transparent)]
struct Secrets(Vec<SecretView>);

impl View for Secrets {
    fn table(&self, style: Style) -> String {
        if self.0.is_empty() {
            return String::new();
        }
        let now = Timestamp::new(OffsetDateTime::now_utc());
        let mut columns = Columns::new(&["NAME", "VERSION", "SET", "BY UID", "STATE"], style);
        for secret in &self.0 {
            let state = match &secret.held_back {
                Some(why) => Piece::painted(format!("held back: {why}"), Paint::Bad),
                None => "in use".into(),
            };
            columns.row([
                secret.name.as_str().into(),
                secret.version.to_string().into(),
                ago(secret.set_at, now).into(),
                secret.set_by.to_string().into(),
                state,
            ]);
        }
        columns.text()
    }
}
