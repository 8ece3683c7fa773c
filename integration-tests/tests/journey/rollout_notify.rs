//! Receivers of a site's policy are told of a rollout, at least once each, over failures of theirs and the death of nimd.

use std::os::unix::fs::PermissionsExt as _;

use anyhow::{Context as _, Result, ensure};
use integration_tests::{Harness, wait_until};
use nim_lab::fault::Fault;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::rollout::quick;

/// A request to the web hook: its headers in lower case, its message, and the connection that waits for an answer.
struct Post {
    headers: Vec<String>,
    message: Value,
    connection: BufReader<TcpStream>,
}

impl Post {
    fn header(&self, name: &str) -> Result<&str> {
        let found =
            self.headers.iter().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        found.with_context(|| format!("no header {name}: {:?}", self.headers))
    }

    fn subject(&self) -> &str {
        self.message["type"].as_str().unwrap_or_default()
    }

    async fn answer(mut self, status: &str) -> Result<()> {
        let text = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        // It may have been given up on the other side meanwhile.
        drop(self.connection.write_all(text.as_bytes()).await);
        Ok(())
    }
}

/// A web hook: what is posted to it.
async fn web_hook() -> Result<(u16, mpsc::Receiver<Post>)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    let (send, posts) = mpsc::channel(16);
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            let send = send.clone();
            tokio::spawn(async move {
                let post = read(connection).await?;
                send.send(post).await.context("the test is over")
            });
        }
    });
    Ok((port, posts))
}

async fn read(connection: TcpStream) -> Result<Post> {
    let mut connection = BufReader::new(connection);
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        connection.read_line(&mut line).await?;
        match line.trim_end() {
            "" => break,
            line => headers.push(line.split_once(": ").map_or_else(
                || line.to_owned(),
                |(name, value)| format!("{}: {value}", name.to_ascii_lowercase()),
            )),
        }
    }
    let length = headers.iter().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.context("no length")?.parse()?];
    connection.read_exact(&mut body).await?;
    Ok(Post { headers, message: serde_json::from_slice(&body)?, connection })
}

#[tokio::test(flavor = "multi_thread")]
async fn receivers_are_told_of_a_rollout_over_failures_and_the_death_of_nimd() -> Result<()> {
    let mut site = Harness::small(200).await?;
    let (port, mut posts) = web_hook().await?;
    let mut next = async || posts.recv().await.context("the web hook has ended");
    let mails = site.site_folder().join("mails");
    let program = site.site_folder().join("sendmail");
    std::fs::write(&program, format!("#!/bin/sh\ncat >> {}\n", mails.display()))?;
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755))?;
    let settings = format!("notify:\n  mail: {}\n", program.display());
    site.master().settle(&settings)?;
    site.nimctl(["discover", "--yes"]).succeeded()?;
    site.set_policy(&format!(
        "receivers:\n  oncall: {{webhook: 'http://127.0.0.1:{port}/hooks/T0', secret: oncall-hook}}\n  \
         board: {{mail: [board@example.com]}}\nbackup: {{waived: a test}}\n"
    ))?;

    // What could not be told is refused before anything starts.
    let file = quick(&site)?;
    site.wait_for_frames(&file)?;
    let text = std::fs::read_to_string(&file)?;
    std::fs::write(&file, format!("{text}notify: [{{to: oncal}}]\n"))?;
    let refused = site.nimctl(["rollout", "plan", &file]).ended_with(3)?;
    let said = &refused.stderr;
    ensure!(said.contains("NLU-0250") && said.contains("did you mean oncall?"), "{refused}");
    std::fs::write(
        &file,
        format!("{text}notify: [{{to: oncall}}, {{to: board, on: [failed, ended]}}]\n"),
    )?;
    let refused = site.nimctl(["rollout", "start", &file]).ended_with(3)?;
    ensure!(refused.stderr.contains("there is no secret \"oncall-hook\""), "{refused}");
    let unknown = site.nimctl(["notify", "nobody"]).ended_with(3)?;
    ensure!(unknown.stderr.contains("NLU-0251"), "{unknown}");
    site.master().nimctl(["secret", "set", "oncall-hook"], Some("a key")).succeeded()?;

    // A test arrives, or it is said that it did not.
    let words = ["notify", "oncall", "board"];
    let started = site.master().nimctl_started(words)?;
    let post = next().await?;
    ensure!(post.subject() == "test", "{:#}", post.message);
    ensure!(post.header("webhook-signature")?.starts_with("v1,"), "{:?}", post.headers);
    post.answer("204 No Content").await?;
    let told = started.end()?.succeeded()?;
    ensure!(told.stdout.contains(&format!("http://127.0.0.1:{port}")), "{told}");
    ensure!(!told.stdout.contains("T0") && told.stdout.contains("board@example.com"), "{told}");
    ensure!(
        std::fs::read_to_string(&mails)?.contains("Subject: [nimd] a test of the receiver board")
    );
    let started = site.master().nimctl_started(["notify", "oncall"])?;
    next().await?.answer("403 Forbidden").await?;
    let refused = started.end()?.ended_with(3)?;
    ensure!(refused.stderr.contains("answered 403"), "{refused}");

    // The canary fails, and that stops the rollout.
    for lpar in ["lpar07", "lpar08", "lpar09", "lpar10", "lpar11", "lpar12"] {
        site.lab().set_fault(lpar, Fault::ProcfsOpen).await?;
    }
    site.nimctl(["rollout", "start", &file]).succeeded()?;
    let first = next().await?;
    ensure!(first.subject() == "rollout.started", "{:#}", first.message);
    let id = first.header("webhook-id")?.to_owned();
    first.answer("500 Internal Server Error").await?;
    // The next try is under way when nimd dies: nobody knows whether it arrived.
    let again = next().await?;
    ensure!(again.header("webhook-id")? == id, "{:?}", again.headers);
    site.master().kill()?;
    site.master().launch()?;
    drop(again);
    let again = next().await?;
    ensure!(again.header("webhook-id")? == id, "{:?}", again.headers);
    ensure!(again.message["data"]["rollout"]["name"] == "lab", "{:#}", again.message);
    again.answer("200 OK").await?;
    let failed = next().await?;
    ensure!(failed.subject() == "rollout.failed", "{:#}", failed.message);
    let lpars = failed.message["data"]["lpars"].as_array().context("LPARs")?.clone();
    ensure!(lpars.len() == 1 && lpars[0]["state"] == "failed", "{lpars:#?}");
    failed.answer("200 OK").await?;
    let stopped = next().await?;
    ensure!(stopped.subject() == "rollout.stopped", "{:#}", stopped.message);
    stopped.answer("200 OK").await?;
    // Its memory is back, and with that its wave is over.
    let waits = next().await?;
    ensure!(waits.subject() == "rollout.approval", "{:#}", waits.message);
    waits.answer("200 OK").await?;
    site.nimctl(["rollout", "abort", "lab"]).succeeded()?;
    for subject in ["rollout.aborted", "rollout.ended"] {
        let post = next().await?;
        ensure!(post.subject() == subject, "{subject}: {:#}", post.message);
        post.answer("200 OK").await?;
    }
    let status = wait_until("all is told", || {
        let status = site.nimctl(["rollout", "status", "lab", "-o", "json"]).succeeded()?.json()?;
        let all = status["told"].as_array().context("receivers")?;
        let is = all.iter().all(|one| one["waiting"] == 0);
        Ok(if is { Ok(status) } else { Err(format!("{status:#}")) })
    })?;
    let told = status["told"].to_string();
    ensure!(
        told.contains("\"receiver\":\"oncall\",\"sent\":6") && !told.contains("\"given_up\":1"),
        "{told}"
    );
    let shown = site.nimctl(["rollout", "status", "lab"]).succeeded()?;
    ensure!(shown.stdout.contains("board was sent 2 messages"), "{shown}");
    let mails = std::fs::read_to_string(&mails)?;
    let mut subjects: Vec<&str> =
        mails.lines().filter(|line| line.starts_with("Subject: ")).collect();
    // What was being sent when nimd died may have been sent twice.
    subjects.dedup();
    ensure!(
        matches!(subjects[..], [_, failed, ended]
            if failed.contains("1 LPAR went wrong") && ended.contains("has ended")),
        "{subjects:?}"
    );
    let log = std::fs::read_to_string(site.master().folder().join("nimd.log"))?;
    ensure!(!log.contains("/hooks/T0") && !log.contains("a key"), "{log}");
    site.end().await
}
