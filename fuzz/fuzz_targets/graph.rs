#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| bea_fuzz::run("graph", input));
