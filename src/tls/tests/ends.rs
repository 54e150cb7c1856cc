//! How sessions end, in order and not.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use midwire_tls::failure::Failure;
use support::{Side, authority, carry, client_with, pair, server_with};

#[test]
fn one_side_ends_and_the_other_goes_on() {
    let authority = authority();
    let (mut client, mut server) = pair(client_with(&authority, |_| {}), &server_with(&authority, |_| {}));
    client.session.end(&mut client.out);
    carry(&mut client, &mut server, None, usize::MAX);
    assert!(server.has(|said| said.ended));
    assert_eq!(server.session.handle_end(), Ok(()));
    server.write("still here");
    carry(&mut client, &mut server, None, usize::MAX);
    assert_eq!(client.heard(), "still here");
    assert_eq!(client.session.handle_end(), Err(Failure::Truncated));
}

#[test]
fn what_comes_behind_the_end_is_nobodys() {
    let authority = authority();
    let (mut client, mut server) = pair(client_with(&authority, |_| {}), &server_with(&authority, |_| {}));
    client.session.end(&mut client.out);
    carry(&mut client, &mut server, None, usize::MAX);
    server.take(b"anything at all");
    assert!(server.failure.is_none() && server.plain.is_empty() && server.out.is_empty());
}

#[test]
fn a_record_that_was_changed_ends_the_session_with_an_alert() {
    let authority = authority();
    let (mut client, mut server) = pair(client_with(&authority, |_| {}), &server_with(&authority, |_| {}));
    client.write("text");
    *client.out.last_mut().unwrap() ^= 1;
    carry(&mut client, &mut server, None, usize::MAX);
    assert!(
        matches!(server.failure, Some(Failure::Invalid(_))),
        "{:?}",
        server.failure
    );
    // bad_record_mac
    assert_eq!(client.failure, Some(Failure::Alert(20)));
    server.write("more");
    server.take(b"more");
    assert!(server.plain.is_empty() && server.out.is_empty());
}

#[test]
fn no_bytes_make_a_server_panic_or_keep_them_without_end() {
    let mut random = 0x2545_f491_u32;
    let mut next = || {
        random ^= random << 13;
        random ^= random >> 17;
        random ^= random << 5;
        random
    };
    let authority = authority();
    let mut hello = Side::client(client_with(&authority, |_| {})).out;
    for round in 0..2_000 {
        let mut bytes = if round % 2 == 0 { hello.clone() } else { vec![0; 300] };
        for _ in 0..=(next() % 8) {
            let at = next() as usize % bytes.len();
            bytes[at] = next() as u8;
        }
        let mut server = Side::server();
        server.take(&bytes);
        if server.said.first().is_some_and(|said| said.hello) {
            let _ = server.session.answer(server_with(&authority, |_| {}), &mut server.out);
        }
        assert!(server.plain.is_empty() && server.out.len() < 64 * 1024);
    }
    // A record that goes on without end is refused at the most that a ClientHello may have.
    hello = vec![22, 3, 1, 0x40, 0, 1, 0, 0xff, 0xff];
    let mut server = Side::server();
    for _ in 0..16 {
        if server.failure.is_some() {
            break;
        }
        hello.resize(hello.len().max(16 * 1024 + 5), 0);
        server.take(&hello);
        hello = vec![22, 3, 1, 0x40, 0];
    }
    assert!(server.failure.is_some());
}
