//! Tells the linker what a Node addon may leave undefined.
fn main() {
    napi_build::setup();
}
