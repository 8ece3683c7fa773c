//! `hmcauth`: makes a token with an HMC, lists and removes tokens (LU §5.1, HV §6).
//!
//! Missing values are asked for on the terminal, the password without echo. Success is silent.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write};
use std::os::fd::AsFd as _;

use anyhow::Context as _;

use super::{Context, Options};
use crate::Phase;
use crate::clock::Pending;
use crate::control::Request;
use crate::fault::{ConsoleFault, Fault, SLOW_MILLISECONDS};
use crate::sys::EchoOff;
use crate::world::lpar::Token;
use crate::world::{Denied, World};

/// Life of a token: about a day (HV §6, inferred).
const LIFE_MILLISECONDS: u64 = 24 * 3600 * 1000;
/// Default port (LU §5.1).
const PORT: u16 = 12443;

pub(super) fn run(
    context: &Context,
    arguments: &[String],
    out: &mut dyn Write,
) -> anyhow::Result<u8> {
    let options = Options::read(arguments, "upaP");
    if options.has('l') {
        return list(context, out);
    }
    let port = options.value('P').map_or(Ok(PORT), str::parse).context("the port is no number")?;
    if options.has('r') {
        return context.change(|lpar| {
            let before = lpar.tokens.len();
            lpar.tokens.retain(|token| {
                options.value('a').is_some_and(|address| address != token.address)
                    || options.value('u').is_some_and(|user| user != token.user)
            });
            Ok(u8::from(lpar.tokens.len() == before))
        });
    }
    let mut terminal = None;
    let mut ask = |option: char, question: &str, echo: Echo| match options.value(option) {
        Some(value) => Ok(value.to_owned()),
        None => ask(&mut terminal, question, echo),
    };
    let address = ask('a', "Enter HMC URI:", Echo::On)?;
    let user = ask('u', "Enter HMC user name:", Echo::On)?;
    let password = ask('p', "Enter HMC password:", Echo::Off)?;
    log_in(context, &address, &user, &password, port)
}

/// Arguments with the value of `-p` replaced, for the lab's record.
pub(super) fn without_secrets(arguments: &[String]) -> Vec<String> {
    let mut secret = false;
    arguments
        .iter()
        .map(|word| {
            let hidden = std::mem::replace(&mut secret, word == "-p");
            if hidden { "***".to_owned() } else { word.clone() }
        })
        .collect()
}

fn log_in(
    context: &Context,
    address: &str,
    user: &str,
    password: &str,
    port: u16,
) -> anyhow::Result<u8> {
    let mut world = context.world()?;
    let is_up = |name: &String| {
        let hmc = &world.hmcs[name];
        hmc.rest_port() == port && !hmc.faults.contains(&ConsoleFault::HmcReboot)
    };
    let Some(name) = hmc_at(&world, address).filter(is_up) else {
        return refuse(&format!(
            "Authentication failure. -- Could not connect to {address}:{port}."
        ));
    };
    if world.hmcs.remove(&name).is_some_and(|hmc| hmc.faults.contains(&ConsoleFault::HmcSlow)) {
        let until = context.now()? + SLOW_MILLISECONDS;
        let pending = Pending { lpar: context.name.clone(), phase: Phase::Preview, until };
        context.site()?.done(&Request::Wait(pending))?;
    }
    let now = context.now()?;
    let tried = context.store.change_hmcs(|hmcs| {
        let hmc = hmcs.get_mut(&name);
        Ok::<_, anyhow::Error>(
            hmc.map_or(Err(Denied::Wrong), |hmc| hmc.log_in(user, password, now)),
        )
    })?;
    if tried.is_err() {
        // LU §3.1, the rejected logon.
        let rejected = format!(
            "PMCSS00G: The authentication has been rejected for user {user}. Logon was denied with the following error message : Invalid login credentials specified.."
        );
        return refuse(&format!(
            "Authentication failure. -- Failed to retrieve saved token. Please logon first using hmcauth.: {rejected} -- Failed to log on: {rejected}"
        ));
    }
    context.change(|lpar| {
        lpar.tokens.retain(|token| token.address != address || token.user != user);
        if !lpar.has(Fault::NoToken) {
            lpar.tokens.push(Token {
                address: address.to_owned(),
                user: user.to_owned(),
                port,
                expires: now + LIFE_MILLISECONDS,
            });
        }
        Ok(0)
    })
}

/// An HMC by its name, or by its address as LPARs know it.
pub(super) fn hmc_at(world: &World, address: &str) -> Option<String> {
    let found =
        world.hmcs.iter().find(|(name, hmc)| *name == address || hmc.lpar_address == address);
    found.map(|(name, _)| name.clone())
}

fn list(context: &Context, out: &mut dyn Write) -> anyhow::Result<u8> {
    let (lpar, now) = (context.lpar()?, context.now()?);
    if lpar.tokens.is_empty() {
        writeln!(out)?;
    }
    for token in &lpar.tokens {
        writeln!(out, "Address  : {}", token.address)?;
        writeln!(out, "User name: {}", token.user)?;
        // 7.2 wrote it in lower case and showed the remaining life; later levels do neither (LU §5.1).
        if lpar.release() < 7300 {
            let left = token.expires.saturating_sub(now) / 1000;
            writeln!(out, "port     : {}", token.port)?;
            writeln!(
                out,
                "TTL      : {:02}:{:02}:{:02} left",
                left / 3600,
                left / 60 % 60,
                left % 60
            )?;
        } else {
            writeln!(out, "Port     : {}", token.port)?;
        }
    }
    Ok(0)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Echo {
    On,
    Off,
}

type Terminal = BufReader<File>;

/// Asks on the controlling terminal, never on standard input. One reader for all questions: answers may have been typed ahead.
fn ask(terminal: &mut Option<Terminal>, question: &str, echo: Echo) -> anyhow::Result<String> {
    let reader = match terminal {
        Some(reader) => reader,
        None => {
            let open = OpenOptions::new().read(true).write(true).open("/dev/tty");
            terminal
                .insert(BufReader::new(open.context("hmcauth: there is no terminal to ask on")?))
        }
    };
    let handle = reader.get_ref().try_clone().context("cannot use the terminal")?;
    let silence = match echo {
        Echo::Off => Some(EchoOff::on(handle.as_fd()).context("cannot switch the echo off")?),
        Echo::On => None,
    };
    write!(&handle, "{question} ").context("cannot ask on the terminal")?;
    let mut answer = String::new();
    reader.read_line(&mut answer).context("cannot read from the terminal")?;
    if let Some(silence) = silence {
        drop(silence);
        writeln!(&handle).context("cannot write to the terminal")?;
    }
    Ok(answer.trim_end_matches(['\r', '\n']).to_owned())
}

fn refuse(text: &str) -> anyhow::Result<u8> {
    writeln!(std::io::stderr(), "{text}")?;
    Ok(1)
}
