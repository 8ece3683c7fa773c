use std::os::unix::fs::PermissionsExt as _;

use nim_shared::api::RolloutCounts;
use nim_shared::id::RolloutId;
use nim_shared::notice::{Subject, Told, ToldLpar, ToldRollout};

use super::*;
use crate::store::testing;
use crate::store::testing::world::{SOMEBODY, name};

fn notice(attempts: u32) -> Notice {
    Notice {
        number: 1,
        id: Uuid::nil(),
        receiver: name("oncall"),
        message: message(),
        created_at: "2026-01-01T00:00:00Z".parse().unwrap(),
        attempts,
    }
}

fn message() -> Message {
    Message {
        subject: Subject::Failed,
        timestamp: "2026-01-01T00:00:00Z".parse().unwrap(),
        data: Told {
            text: "rollout a: 2 LPARs went wrong\u{7}\u{e4}".to_owned(),
            rollout: Some(ToldRollout {
                id: RolloutId(Uuid::nil()),
                name: name("a"),
                phase: "running".to_owned(),
                wave: name("first"),
                ticket: Some("CHG1".parse().unwrap()),
                by: None,
                counts: RolloutCounts { failed: 2, done: 3, ..RolloutCounts::default() },
            }),
            lpars: vec![ToldLpar {
                name: name("lpar01"),
                state: "failed".to_owned(),
                why: Some("1430-025\nBcc: x@y".to_owned()),
            }],
            more_lpars: 1,
        },
    }
}

#[test]
fn what_failed_is_tried_again_with_longer_pauses_until_it_is_old() {
    let at = |seconds: u64| notice(1).created_at.plus(Duration::from_secs(seconds));
    let give_up = Duration::from_secs(3600);
    let unsent = || Unsent::NoMail;
    let pause = |attempts, after| match after_failure(
        &notice(attempts),
        at(after),
        give_up,
        &unsent(),
        String::new(),
    ) {
        Delivery::Again(pause, _) => Some(pause.as_secs()),
        Delivery::GivenUp(_) => None,
        Delivery::Sent => panic!("it was not"),
    };
    let pauses: Vec<_> = [1, 2, 3, 8, 9, 40].iter().map(|attempts| pause(*attempts, 1)).collect();
    assert_eq!(pauses, [Some(2), Some(4), Some(8), Some(256), Some(300), Some(300)]);
    assert_eq!((pause(1, 3598), pause(1, 3599)), (Some(2), None));
    let gone =
        after_failure(&notice(1), at(1), give_up, &Unsent::NoReceiver(name("x")), "why".to_owned());
    assert_eq!(gone, Delivery::GivenUp("why".to_owned()));
    let over = Unsent::Webhook(webhook::Error::Answered { place: String::new(), status: 410 });
    assert!(matches!(
        after_failure(&notice(1), at(1), give_up, &over, String::new()),
        Delivery::GivenUp(_)
    ));
}

#[test]
fn a_mail_is_text_that_nothing_in_it_can_change() {
    let to = ["a@example.com".parse().unwrap(), "b@example.com".parse().unwrap()];
    let text = mail::text(&to, Uuid::nil(), "2026-01-02T03:04:05Z".parse().unwrap(), &message());
    let (head, body) = text.split_once("\n\n").unwrap();
    assert!(
        head.starts_with(
            "To: a@example.com,\n b@example.com\nSubject: [nimd] rollout a: 2 LPARs went wrong??\n"
        ),
        "{head}"
    );
    assert!(head.contains("\nDate: Fri, 02 Jan 2026 03:04:05 +0000\n"), "{head}");
    assert!(head.is_ascii() && !head.contains("Bcc"), "{head}");
    assert!(!body.contains('\u{7}') && body.contains('\u{e4}'), "{body}");
    let lpar = body.lines().find(|line| line.contains("lpar01")).unwrap();
    assert!(
        lpar.starts_with("  lpar01 is failed: 1430-025") && lpar.ends_with("Bcc: x@y"),
        "{lpar}"
    );
    for line in ["  and 1 more", "Ticket: CHG1", "More: nimctl rollout status a"] {
        assert!(body.lines().any(|one| one == line), "{body}");
    }
}

/// A sender with a program for mails, and its policy.
async fn mailer(script: &str) -> (Sender, Policy, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("sendmail");
    std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let keys = KeyFile::open_or_create(&folder.path().join("key")).unwrap();
    let settings =
        Settings { mail: Some(program), time: Duration::from_secs(20), give_up: Duration::ZERO };
    let policy = Policy {
        receivers: [
            (
                name("board"),
                Receiver {
                    mail: vec!["board@example.com".parse().unwrap()],
                    ..Receiver::default()
                },
            ),
            (
                name("hook"),
                Receiver {
                    webhook: Some("http://127.0.0.1:9/hooks/secret".parse().unwrap()),
                    secret: Some(name("pw")),
                    mail: vec![],
                },
            ),
        ]
        .into(),
        ..Policy::default()
    };
    let store = testing::store().await;
    (Sender::new(store, keys, settings, CancellationToken::new()), policy, folder)
}

#[tokio::test]
async fn a_mail_is_given_to_the_program_and_its_failure_is_told() {
    let (sender, policy, folder) =
        mailer("cat > \"$(dirname \"$0\")/mail\"; echo \"$@\" > \"$(dirname \"$0\")/words\"").await;
    let to = name("board");
    let at = sender.send(&to, &policy, Uuid::nil(), &message()).await.unwrap();
    assert_eq!(at, "board@example.com");
    let read = |what: &str| std::fs::read_to_string(folder.path().join(what)).unwrap();
    assert!(read("mail").starts_with("To: board@example.com\n"));
    assert_eq!(read("words"), "-i -t\n");

    let (sender, policy, _folder) = mailer("echo no such host; echo; exit 75").await;
    let failed = sender.send(&to, &policy, Uuid::nil(), &message()).await.unwrap_err();
    let text = chain(&failed);
    assert!(text.contains("exit status: 75: no such host"), "{text}");
}

#[tokio::test]
async fn whether_a_receiver_can_be_told_is_known_before() {
    let (sender, policy, _folder) = mailer("").await;
    let of = async |sender: &Sender, to: &str| {
        sender.check(&name(to), &policy).await.map_err(|unsent| chain(&unsent))
    };
    assert_eq!(of(&sender, "board").await, Ok(()));
    assert_eq!(of(&sender, "hook").await, Err("there is no secret \"pw\"".to_owned()));
    assert_eq!(
        of(&sender, "x").await,
        Err("the policy of the site names no receiver x".to_owned())
    );
    let text = nim_shared::frame::SecretText::new("a secret".to_owned());
    sender.store.secret_set(&sender.secrets, &name("pw"), &text, SOMEBODY).await.unwrap();
    assert_eq!(of(&sender, "hook").await, Ok(()));
    let unsent = sender.send(&name("hook"), &policy, Uuid::nil(), &message()).await.unwrap_err();
    let text = chain(&unsent);
    assert!(
        text.contains("http://127.0.0.1:9 cannot be reached") && !text.contains("secret"),
        "{text}"
    );
    let without = Sender { settings: Settings { mail: None, ..sender.settings.clone() }, ..sender };
    assert!(of(&without, "board").await.unwrap_err().contains("notify.mail"));
}
