//! `server`: about `nimd` itself.

use nim_shared::api::Server;
use serde::Serialize;

use crate::client::Target;
use crate::command::Context;
use crate::error::Error;
use crate::exit::Exit;
use crate::output::text::{ago, clean, moment};
use crate::output::{Style, View};

pub(super) async fn run(context: &Context) -> Result<Exit, Error> {
    let server = context.client.get(Target::new(&["server"])).await?;
    context.printer.show(&About(server))?;
    Ok(Exit::Done)
}

#[derive(Serialize)]
#[serde(transparent)]
struct About(Server);

impl View for About {
    fn table(&self, _: Style) -> String {
        let server = &self.0;
        let mut rows = vec![
            ("nimctl", nim_shared::VERSION.to_owned()),
            ("nimd", server.version.clone()),
            ("master", server.master.to_string()),
            ("ready since", moment(server.ready_at)),
            ("its clock", moment(server.now)),
        ];
        rows.extend(server.masters.iter().map(|other| {
            let (id, host, seen) = (other.master, &other.host, ago(other.heartbeat, server.now));
            ("other master", format!("{id} on {host}, last heartbeat {seen}"))
        }));
        rows.push(("public key", server.public_key.trim().to_owned()));
        let mut text = String::new();
        for (what, value) in rows {
            text += &format!("{what:12}  {}\n", clean(&value));
        }
        text
    }
}
