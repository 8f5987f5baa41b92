//! For libFuzzer: see the library.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| tracker_fuzz::frames(data));
