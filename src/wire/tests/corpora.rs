//! Replays the committed corpora of the fuzz targets, so that no fault that was found once comes back.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test says so when it is wrong")]

#[path = "../../../__test__/fuzz/bodies.rs"]
mod bodies;

use std::path::PathBuf;

fn replay(target: &str, body: fn(&[u8])) {
    let corpus = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../__test__/fuzz/corpus")
        .join(target);
    let mut count = 0;
    for entry in std::fs::read_dir(corpus).unwrap() {
        let path = entry.unwrap().path();
        let input = std::fs::read(&path).unwrap();
        // Named first, so that a failure says by which input.
        println!("{}", path.display());
        body(&input);
        count += 1;
    }
    assert!(count >= 8, "the corpus of {target} is missing");
}

#[test]
fn datagram() {
    replay("datagram", bodies::datagram);
}

#[test]
fn packet() {
    replay("packet", bodies::packet);
}

#[test]
fn segments() {
    replay("segments", bodies::segments);
}

#[test]
fn connection() {
    replay("connection", bodies::connection);
}

#[test]
fn fragments() {
    replay("fragments", bodies::fragments);
}
