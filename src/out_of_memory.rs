//! What the command does when the system has no more memory for it: it says so and ends with exit code 2, where
//! Rust's programs abort.
#![allow(unsafe_code)]

use mimalloc::MiMalloc;
use std::alloc::{GlobalAlloc, Layout};

/// mimalloc, which ends the program where the system has no memory left.
pub struct Allocator;

// SAFETY: every call is mimalloc's, with the arguments as they came.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        given(unsafe { MiMalloc.alloc(layout) }, layout.size())
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        given(unsafe { MiMalloc.alloc_zeroed(layout) }, layout.size())
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        given(unsafe { MiMalloc.realloc(memory, layout, size) }, size)
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        unsafe { MiMalloc.dealloc(memory, layout) }
    }
}

#[inline]
fn given(memory: *mut u8, bytes: usize) -> *mut u8 {
    if memory.is_null() { end(bytes) } else { memory }
}

/// Nothing here asks for memory. Outputs are renamed when they are complete, so that none is left half-written.
#[cold]
fn end(bytes: usize) -> ! {
    eprintln!("  × out of memory: the system refuses another {bytes} bytes");
    eprintln!("  help: {}", bea::cli::memory::advice());
    std::process::exit(2)
}
