//! Commands: their output, their input, and what happens when one side is slow or gone.

use std::sync::atomic::Ordering;

use super::server::{Plan, Server};
use super::*;

async fn connected() -> (Server, Connection) {
    connected_with(Settings::default()).await
}

async fn connected_with(settings: Settings) -> (Server, Connection) {
    let (user, shown) = (ed25519(), ed25519());
    let server = Server::start(Plan::new(&shown, &user)).await;
    let client = Client::with(&user, settings);
    let lpar = direct(host("lpar01", server.port, [public(&shown)]));
    let connection = client.connect(&lpar).await.unwrap();
    (server, connection)
}

#[tokio::test]
async fn a_command_that_fails_says_how() {
    let (_server, connection) = connected().await;
    let answer = connection.run(&words(["fail", "oops", "3"]), ask()).await.unwrap();
    assert_eq!(answer.exit, Exit::Status(3));
    assert_eq!(answer.stderr, Stderr { bytes: b"oops".to_vec(), dropped: 0 });
    let error = connection.run(&words(["refuse"]), ask()).await.unwrap_err();
    assert_eq!(error.to_string(), "lpar01 refuses to run refuse");
}

#[tokio::test]
async fn many_commands_share_a_connection() {
    let (_server, connection) = connected().await;
    let runs = (0..20).map(|number| {
        let connection = connection.clone();
        async move {
            let command = words(["echo", &number.to_string()]);
            let answer = connection.run(&command, ask()).await.unwrap();
            assert_eq!(answer.stdout, format!("{number}\n").as_bytes());
        }
    });
    futures::future::join_all(runs).await;
}

#[tokio::test]
async fn input_comes_back_line_by_line() {
    let (_server, connection) = connected().await;
    let Exec { mut input, mut output } = connection.exec(&words(["cat"])).await.unwrap();
    for text in ["one", "", "three"] {
        input.write(format!("{text}\n").into_bytes()).await.unwrap();
        assert_eq!(output.line().await.unwrap(), Some(text.as_bytes()));
    }
    input.write(b"no end".to_vec()).await.unwrap();
    input.finish().await;
    assert_eq!(output.line().await.unwrap(), None);
    let ended = output.ended().await.unwrap();
    assert_eq!((ended.exit, ended.unfinished), (Exit::Status(0), b"no end".to_vec()));
}

#[tokio::test]
async fn lines_that_came_in_messages_of_their_own_are_taken_without_waiting() {
    let (_server, connection) = connected().await;
    let Exec { mut input, mut output } = connection.exec(&words(["cat"])).await.unwrap();
    assert_eq!(output.buffered_line().unwrap(), None);
    let texts: [&[u8]; 3] = [b"one", b"two", b"three"];
    for text in texts {
        input.write([text, b"\n"].concat()).await.unwrap();
    }
    for text in texts {
        // No read waits: what is buffered has to come by itself.
        while output.buffered_line().map(|line| line.is_none_or(|line| line != text)).unwrap() {
            tokio::task::yield_now().await;
        }
    }
    input.finish().await;
    assert_eq!(output.line().await.unwrap(), None);
    assert_eq!(output.buffered_line().unwrap(), None);
}

#[tokio::test]
async fn a_line_without_end_is_an_error_that_names_the_host() {
    let settings = Settings { line_limit: 1 << 20, ..Settings::default() };
    let (server, connection) = connected_with(settings).await;
    let mut exec = connection.exec(&words(["flood", "1073741824"])).await.unwrap();
    let error = exec.output.line().await.unwrap_err();
    assert_eq!(
        told(&error),
        "lpar01 sent a line longer than 1048576 bytes  [NLU-0220]\n  hint: see what the login shell or the agent on lpar01 prints"
    );
    assert!(exec.output.line().await.is_err(), "it does not go on in the middle of the line");
    // It was not read to its end to find out: a gigabyte would not fit what was sent so far.
    assert!(server.seen.written.load(Ordering::SeqCst) < 256 << 20);
    // The connection serves others still.
    drop(exec);
    assert_eq!(connection.run(&words(["echo", "ok"]), ask()).await.unwrap().stdout, b"ok\n");
}

#[tokio::test]
async fn too_much_output_is_an_error() {
    let (_server, connection) = connected().await;
    let ask = Ask { stdout_limit: 1000, ..ask() };
    let error = connection.run(&words(["lines", "1048576"]), ask).await.unwrap_err();
    assert_eq!(error.to_string(), "lpar01 sent more than 1000 bytes in answer to lines 1048576");
}

/// Waits until the counter stands still, or everything was transferred.
async fn stalled(counter: &std::sync::atomic::AtomicUsize, all: usize) -> usize {
    let mut last = usize::MAX;
    let mut same = 0;
    wait_until(
        "a standstill",
        || {
            let now = counter.load(Ordering::SeqCst);
            same = if now == last { same + 1 } else { 0 };
            last = now;
            (now, same)
        },
        |(now, same)| *same >= 30 || *now >= all,
    )
    .await
    .0
}

#[tokio::test]
async fn a_slow_reader_slows_the_host_down() {
    let (server, connection) = connected().await;
    let all = 64 << 20;
    let mut exec = connection.exec(&words(["lines", &all.to_string()])).await.unwrap();
    let line = exec.output.line().await.unwrap().unwrap().len();
    // Nobody reads on: the host must get stuck long before it is done.
    let written = stalled(&server.seen.written, all).await;
    assert!(written < all / 2, "{written} bytes are under way");
    let mut read = line + 1;
    while let Some(line) = exec.output.line().await.unwrap() {
        read += line.len() + 1;
    }
    assert_eq!(read, all);
}

#[tokio::test]
async fn a_host_that_does_not_read_slows_the_writer_down() {
    let (server, connection) = connected().await;
    let Exec { mut input, mut output } = connection.exec(&words(["read-later"])).await.unwrap();
    let all = 64 << 20;
    let sent = std::sync::atomic::AtomicUsize::new(0);
    let write = async {
        for _ in 0..all / (64 << 10) {
            input.write(vec![b'x'; 64 << 10]).await.unwrap();
            sent.fetch_add(64 << 10, Ordering::SeqCst);
        }
        input.finish().await;
    };
    let look = async {
        let before = stalled(&sent, all).await;
        assert!(before < all / 2, "{before} bytes are under way");
        server.go_on();
        output.line().await.unwrap().unwrap().to_vec()
    };
    let ((), line) = tokio::join!(write, look);
    assert_eq!(line, all.to_string().as_bytes());
}

#[tokio::test]
async fn a_connection_that_drops_in_mid_stream_is_lost() {
    let (server, connection) = connected().await;
    let Exec { mut input, mut output } = connection.exec(&words(["hang"])).await.unwrap();
    assert_eq!(output.line().await.unwrap(), Some(&b"whole"[..]));
    server.cut();
    let error = output.line().await.unwrap_err();
    assert_eq!(
        told(&error),
        "lost the connection to lpar01  [NLU-0217]\n  cause: connection reset\n  hint: nothing to \
         do: the session with lpar01 is opened again and goes on"
    );
    assert!(matches!(error.retry(), Retry::After(_)));
    assert!(matches!(input.write(b"x".to_vec()).await, Err(Error::Lost { .. })));
    assert!(matches!(connection.closed().await, Error::Lost { .. }));
    assert!(connection.is_closed());
    assert!(matches!(connection.exec(&words(["cat"])).await, Err(Error::Lost { .. })));
}

#[tokio::test]
async fn a_writer_is_not_left_waiting_for_room_when_the_connection_drops() {
    let (server, connection) = connected().await;
    let Exec { mut input, output: _output } =
        connection.exec(&words(["read-later"])).await.unwrap();
    let write = async {
        loop {
            if let Err(error) = input.write(vec![b'x'; 1 << 20]).await {
                return error;
            }
        }
    };
    let cut = async {
        // Enough to fill every buffer on the way several times over.
        let full = tokio::time::timeout(Duration::from_millis(300), connection.closed()).await;
        assert!(full.is_err());
        server.cut();
    };
    let (error, ()) = tokio::join!(write, cut);
    assert!(matches!(error, Error::Lost { .. }), "{error}");
}

#[tokio::test]
async fn a_channel_that_closes_early_has_no_status() {
    let (_server, connection) = connected().await;
    let mut exec = connection.exec(&words(["close"])).await.unwrap();
    assert_eq!(exec.output.line().await.unwrap(), Some(&b"whole"[..]));
    assert_eq!(exec.output.line().await.unwrap(), None);
    let ended = exec.output.ended().await.unwrap();
    assert_eq!((ended.exit, ended.unfinished), (Exit::Unknown, b"hal".to_vec()));
}

#[tokio::test]
async fn a_command_that_does_not_end_is_given_up() {
    let (_server, connection) = connected().await;
    let ask = Ask { time_limit: Duration::from_millis(100), ..ask() };
    let error = connection.run(&words(["hang"]), ask).await.unwrap_err();
    assert!(matches!(error, Error::CommandTimeout { .. }), "{error}");
    assert_eq!(connection.run(&words(["echo", "ok"]), super::ask()).await.unwrap().stdout, b"ok\n");
}

#[tokio::test]
async fn a_connection_ends_when_nobody_holds_it() {
    let (user, shown) = (ed25519(), ed25519());
    let server = Server::start(Plan::new(&shown, &user)).await;
    let client = Client::new(&user);
    let lpar = direct(host("lpar01", server.port, [public(&shown)]));
    let connection = client.connect(&lpar).await.unwrap();
    let exec = connection.exec(&words(["hang"])).await.unwrap();
    drop(connection);
    assert!(!exec.output.is_over(), "a command keeps its connection");
    drop(exec);
    client.transport.drained().await;
    let connection = client.connect(&lpar).await.unwrap();
    connection.close().await;
}

#[tokio::test]
async fn a_host_that_goes_on_sending_is_taken_leave_of() {
    let (server, connection) = connected().await;
    let all = 64 << 20;
    let Exec { input, mut output } =
        connection.exec(&words(["lines", &all.to_string()])).await.unwrap();
    assert!(output.line().await.unwrap().is_some());
    // The way to us is full, and nobody reads on.
    let written = stalled(&server.seen.written, all).await;
    assert!(written < all / 2, "{written} bytes are under way");
    let leave = async {
        input.finish().await;
        connection.close().await;
    };
    output.unread_until(leave).await;
}
