//! Tells the linker which symbols a Node addon may leave undefined.
fn main() {
    napi_build::setup();
}
