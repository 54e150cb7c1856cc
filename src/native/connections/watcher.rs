//! Has Node's event loop wait for a descriptor (`uv_poll_t`), and calls a function of Node's when it is ready.
//!
//! libuv's functions are those of the program that has loaded the addon. They are looked up by name, for not every program that loads addons has libuv.

use std::ffi::{CStr, c_int, c_void};
use std::ptr;

use napi::bindgen_prelude::Function;
use napi::{Env, JsValue, sys};

use crate::error::{Code, Result, error};

/// `UV_POLL` of `uv_handle_type`, and `UV_READABLE` of `uv_poll_event`: a part of libuv's ABI since 1.0.
const UV_POLL: c_int = 8;
const UV_READABLE: c_int = 1;

type Handle = *mut c_void;
type OnReady = unsafe extern "C" fn(handle: Handle, status: c_int, events: c_int);
type OnClosed = unsafe extern "C" fn(handle: Handle);

struct Libuv {
    handle_size: unsafe extern "C" fn(kind: c_int) -> usize,
    poll_init: unsafe extern "C" fn(event_loop: *mut c_void, handle: Handle, fd: c_int) -> c_int,
    poll_start: unsafe extern "C" fn(handle: Handle, events: c_int, callback: OnReady) -> c_int,
    keep: unsafe extern "C" fn(handle: Handle),
    let_go: unsafe extern "C" fn(handle: Handle),
    close: unsafe extern "C" fn(handle: Handle, callback: OnClosed),
}

impl Libuv {
    fn find() -> Option<Self> {
        // SAFETY: the symbols, where they are there, are libuv's functions of these types.
        unsafe {
            Some(Libuv {
                handle_size: symbol(c"uv_handle_size")?,
                poll_init: symbol(c"uv_poll_init")?,
                poll_start: symbol(c"uv_poll_start")?,
                keep: symbol(c"uv_ref")?,
                let_go: symbol(c"uv_unref")?,
                close: symbol(c"uv_close")?,
            })
        }
    }
}

/// SAFETY: `T` is the type of the function that has this name.
unsafe fn symbol<T>(name: &CStr) -> Option<T> {
    // SAFETY: the name ends with 0.
    let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    // SAFETY: a function pointer has the size of a pointer to data on all systems that have dlsym.
    (!found.is_null()).then(|| unsafe { std::mem::transmute_copy(&found) })
}

pub struct Watcher {
    uv: Libuv,
    handle: Handle,
}

/// The callback's environment and function; the handle's `data` points to them.
struct Waked {
    env: sys::napi_env,
    function: sys::napi_ref,
    storage: *mut [u64],
}

impl Watcher {
    /// Node is not kept alive by it, until `hold`.
    pub fn start(env: &Env, fd: c_int, on_ready: &Function<'_, (), ()>) -> Result<Self> {
        let failed = |what: &str| error(Code::Io, format!("the event loop cannot wait for a descriptor: {what}"));
        let uv = Libuv::find().ok_or_else(|| failed("no libuv is there"))?;
        let mut event_loop = ptr::null_mut();
        let mut function = ptr::null_mut();
        // SAFETY: Node's thread is in this call, and the function is of its environment.
        unsafe {
            if sys::napi_get_uv_event_loop(env.raw(), &mut event_loop) != sys::Status::napi_ok {
                return Err(failed("no loop is there"));
            }
            if sys::napi_create_reference(env.raw(), on_ready.raw(), 1, &mut function) != sys::Status::napi_ok {
                return Err(failed("no reference"));
            }
            // libuv's handles hold pointers and numbers of at most 8 bytes.
            let words = (uv.handle_size)(UV_POLL).div_ceil(8);
            let storage = Box::into_raw(vec![0u64; words].into_boxed_slice());
            let handle: Handle = storage.cast();
            if (uv.poll_init)(event_loop.cast(), handle, fd) != 0 {
                drop(Box::from_raw(storage));
                sys::napi_delete_reference(env.raw(), function);
                return Err(failed("it refuses the descriptor"));
            }
            let waked = Waked {
                env: env.raw(),
                function,
                storage,
            };
            // `data` is the first field of every handle.
            *handle.cast::<*mut c_void>() = Box::into_raw(Box::new(waked)).cast();
            let watcher = Watcher { uv, handle };
            (watcher.uv.let_go)(handle);
            if (watcher.uv.poll_start)(handle, UV_READABLE, ready) != 0 {
                return Err(failed("it does not start"));
            }
            Ok(watcher)
        }
    }

    /// Whether Node stays alive for what may come.
    pub fn hold(&self, holds: bool) {
        // SAFETY: the handle is open until the watcher is dropped.
        unsafe {
            if holds {
                (self.uv.keep)(self.handle)
            } else {
                (self.uv.let_go)(self.handle)
            }
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        // SAFETY: the handle is open, and is closed once. The environment is there still, and may be gone when libuv is done with the handle.
        unsafe {
            let waked = &*(*self.handle.cast::<*mut c_void>()).cast::<Waked>();
            sys::napi_delete_reference(waked.env, waked.function);
            (self.uv.close)(self.handle, closed);
        }
    }
}

unsafe extern "C" fn ready(handle: Handle, _: c_int, _: c_int) {
    // SAFETY: libuv calls on Node's thread, with a handle of ours that is open. A scope and a callback scope are what Node-API asks of such a call.
    unsafe {
        let waked = &*(*handle.cast::<*mut c_void>()).cast::<Waked>();
        let env = waked.env;
        let mut scope = ptr::null_mut();
        sys::napi_open_handle_scope(env, &mut scope);
        let (mut global, mut function, mut result) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
        sys::napi_get_global(env, &mut global);
        sys::napi_get_reference_value(env, waked.function, &mut function);
        let status = sys::napi_make_callback(env, ptr::null_mut(), global, function, 0, ptr::null(), &mut result);
        if status == sys::Status::napi_pending_exception {
            let mut thrown = ptr::null_mut();
            if sys::napi_get_and_clear_last_exception(env, &mut thrown) == sys::Status::napi_ok {
                sys::napi_fatal_exception(env, thrown);
            }
        }
        sys::napi_close_handle_scope(env, scope);
    }
}

unsafe extern "C" fn closed(handle: Handle) {
    // SAFETY: libuv is done with the handle, whose memory is ours.
    unsafe {
        let waked = Box::from_raw((*handle.cast::<*mut c_void>()).cast::<Waked>());
        drop(Box::from_raw(waked.storage));
    }
}
