//! The functions that the module exports. Texts cross in one buffer of the module's memory:
//!
//! 1. `reserve(length)` makes the buffer so long and returns where it is; the caller writes a request there;
//! 2. `respond()` replaces it by the answer, and returns where that is; `length()` says how long it is.
//!
//! A module that has stopped (a computation passed its bound, or there is a fault in bea) answers no more, but for
//! `reason()`, which replaces the buffer by why.

use crate::answer;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

static BUFFER: Mutex<Vec<u8>> = Mutex::new(Vec::new());
static PANIC: Mutex<String> = Mutex::new(String::new());

fn buffer() -> MutexGuard<'static, Vec<u8>> {
    BUFFER.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes the buffer `length` bytes long, and returns where it is.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
#[cfg_attr(target_family = "wasm", allow(unsafe_code))]
pub extern "C" fn reserve(length: usize) -> *mut u8 {
    let mut buffer = buffer();
    buffer.clear();
    buffer.resize(length, 0);
    buffer.as_mut_ptr()
}

/// Answers the request in the buffer, and returns where the answer is.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
#[cfg_attr(target_family = "wasm", allow(unsafe_code))]
pub extern "C" fn respond() -> *const u8 {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        std::panic::set_hook(Box::new(|panic| {
            *PANIC.lock().unwrap_or_else(PoisonError::into_inner) = panic.to_string();
        }));
    });
    let request = std::mem::take(&mut *buffer());
    let answer = answer(&String::from_utf8_lossy(&request));
    let mut buffer = buffer();
    *buffer = answer.into_bytes();
    buffer.as_ptr()
}

/// How many bytes the buffer has.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
#[cfg_attr(target_family = "wasm", allow(unsafe_code))]
pub extern "C" fn length() -> usize {
    buffer().len()
}

/// Replaces the buffer by the message of the panic that has stopped the module, which is empty if a bound has, and
/// returns where it is.
#[cfg_attr(target_family = "wasm", unsafe(no_mangle))]
#[cfg_attr(target_family = "wasm", allow(unsafe_code))]
pub extern "C" fn reason() -> *const u8 {
    let message = PANIC.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let mut buffer = buffer();
    *buffer = message.into_bytes();
    buffer.as_ptr()
}
