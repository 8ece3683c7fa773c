//! Every message that is explained, said in the lab: what it is bound to has it said, and the knowledge base knows it there.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context as _, Result};
use integration_tests::Harness;
use integration_tests::fixtures::codes::{By, MESSAGES, Message, Run};
use nim_lab::clock::Mode;
use nim_lab::site;
use nim_lab::state::Turn;
use nim_lab::world::lpar::Token;

/// LPARs of 7.2 that go through an update, and through it no further: one for each run to the end.
const ONCE: [&str; 3] = ["lpar02", "lpar05", "lpar06"];
/// Where the other runs are.
const LPAR: &str = "lpar01";
/// Where lines are typed that change it.
const OTHER: &str = "lpar04";

#[tokio::test(flavor = "multi_thread")]
async fn each_message_that_is_explained_is_said_by_its_fault() -> Result<()> {
    let text = include_str!("../../../examples/site-small.yaml");
    let mut file = site::parse("site-small.yaml", text)?;
    file.port = 0;
    file.read_alike();
    for lpar in &mut file.lpars {
        let data = "disks:\n\tnhdisk = hdisk1\n\tmhdisk = hdisk2\nhmc:\n\tmanagement_console = hmc01\n\tuser = liveupdate\n";
        lpar.lvupdate_data = Some(data.to_owned());
    }
    let site = Stand { harness: Harness::bare(file, Mode::Auto { speed: 5000 }).await? };
    let mut once = ONCE.into_iter();
    let (mut faults, mut said) = (Vec::new(), BTreeMap::new());
    for Message { code, says, by } in MESSAGES.iter().copied() {
        // One run says several messages.
        let run = format!("{by:?}");
        if !said.contains_key(&run) {
            let Some(text) = site.run(by, &mut once).await? else { continue };
            said.insert(run.clone(), text);
        }
        let text = &said[&run];
        let number = if code.contains(|c: char| c.is_ascii_lowercase()) { "" } else { code };
        let is_said = text.lines().any(|line| line.contains(number) && line.contains(says));
        if !is_said {
            faults.push(format!("{code} {says}: not said by {run}:\n{text}"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    site.harness.end().await
}

struct Stand {
    harness: Harness,
}

impl Stand {
    /// What is said on the screen, and what the logs of it say.
    async fn run(
        &self,
        by: By,
        once: &mut impl Iterator<Item = &'static str>,
    ) -> Result<Option<String>> {
        let lab = self.harness.lab();
        let media = self.harness.site_folder().join("lpp_source/7200-05-04").display().to_string();
        let said = match by {
            By::Fault(fault, run) => {
                let lpar = match run {
                    Run::MoveToTheEnd => once.next().context("no LPAR is left")?,
                    _ => LPAR,
                };
                self.token(lpar)?;
                lab.set_fault(lpar, fault).await?;
                let said = self.geninstall(lpar, &run.command(&media))?;
                lab.clear_fault(lpar, fault)?;
                said
            }
            By::State(state, run) => {
                self.token(LPAR)?;
                lab.set_state(LPAR, state, Turn::On)?;
                let said = self.geninstall(LPAR, &run.command(&media))?;
                lab.set_state(LPAR, state, Turn::Off)?;
                said
            }
            By::Typed(line) => {
                let run = self.harness.typed(OTHER, &line.replace("MEDIA", &media), "")?;
                run.stdout + &run.stderr
            }
            By::Hmc(line) => {
                let run = self.harness.typed_as("viewer", "hmc01", line, "")?;
                run.stdout + &run.stderr
            }
            By::Nothing(_) => return Ok(None),
        };
        Ok(Some(said))
    }

    fn geninstall(&self, lpar: &str, command: &str) -> Result<String> {
        let run = self.harness.typed(lpar, command, "")?;
        let logs = self.harness.lab().root(lpar).join("var/adm/ras/liveupdate/logs");
        let mut said = run.stdout + &run.stderr;
        for name in ["lvupdlog", "olhmclog"] {
            said += &fs::read_to_string(logs.join(name)).unwrap_or_default();
        }
        Ok(said)
    }

    fn token(&self, lpar: &str) -> Result<()> {
        let lab = self.harness.lab();
        let expires = lab.clock().now() + 86_400_000;
        let (address, user) = ("hmc01".to_owned(), "liveupdate".to_owned());
        lab.change(|world| {
            world.lpar_mut(lpar)?.tokens = vec![Token { address, user, port: 12443, expires }];
            Ok(())
        })
    }
}
