//! Mutated inputs for every grammar and binary format, on a stable compiler: the targets of `fuzz/`, without its guidance
//! by coverage.
//!
//! `cargo test --release --test fuzz` runs each target for a second, and what it has ever found. Continuous integration
//! sets `BEA_FUZZ_SECONDS=60`. `BEA_FUZZ_TARGET` chooses one target, `BEA_FUZZ_SEED` other inputs.
#![allow(unsafe_code)]

#[path = "../fuzz/src/targets.rs"]
mod targets;

use std::alloc::{GlobalAlloc, Layout, System};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};
use targets::{TARGETS, Target};

/// What one input may take: two seconds on a machine by itself, and five times that where others work beside it.
const SECONDS: f64 = 10.0;
const BYTES: usize = 1 << 30;

/// The system's allocator, with a count of the bytes that are in use.
struct Counting;

static IN_USE: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is passed on to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise about `layout` is the one that is asked for.
        let place = unsafe { System.alloc(layout) };
        if !place.is_null() {
            IN_USE.fetch_add(layout.size(), Relaxed);
        }
        place
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: `place` came from `alloc` with the same layout, and so from the system's allocator.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The input that is being run: its target, when it started, and the processor time and memory then.
struct Current {
    target: &'static str,
    input: Vec<u8>,
    start: Instant,
    processor: f64,
    memory: usize,
}

static CURRENT: Mutex<Option<Current>> = Mutex::new(None);
static DONE: AtomicBool = AtomicBool::new(false);
static RUN: AtomicU64 = AtomicU64::new(0);

/// The processor time of this process in seconds; that of the clock where there is no other.
fn processor_time(since: Instant) -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or("").split_whitespace();
    let ticks: Vec<f64> = fields.skip(11).take(2).filter_map(|t| t.parse().ok()).collect();
    match ticks.as_slice() {
        [user, system] => (user + system) / 100.0,
        _ => since.elapsed().as_secs_f64(),
    }
}

/// Ends the process, with the input saved, as soon as one takes too much. What hangs cannot be stopped in any other way.
fn watch(started: Instant) {
    while !DONE.load(Relaxed) {
        std::thread::sleep(Duration::from_millis(20));
        let current = CURRENT.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let Some(current) = current.as_ref() else { continue };
        let wall = current.start.elapsed().as_secs_f64();
        let memory = IN_USE.load(Relaxed).saturating_sub(current.memory);
        let slow = wall > SECONDS && processor_time(started) - current.processor > SECONDS;
        if slow || memory > BYTES {
            let path = save(current.target, &current.input);
            eprintln!("{}: {wall:.1} s, {} MiB: {}", current.target, memory >> 20, path.display());
            let _ = std::fs::remove_dir_all(targets::folder());
            std::process::exit(101);
        }
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Writes an input that has failed where it is found again.
fn save(target: &str, input: &[u8]) -> PathBuf {
    let folder = root().join("target/fuzz").join(target);
    let hash = input
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(*b)).wrapping_mul(0x100_0000_01b3));
    let path = folder.join(format!("{hash:016x}"));
    std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&path, input)).expect("a file");
    path
}

/// Runs a target on an input; whether it came to an end.
fn run(target: &Target, input: &[u8], started: Instant) -> bool {
    let current = Current {
        target: target.name,
        input: input.to_vec(),
        start: Instant::now(),
        // Reading it for every input would take longer than most inputs.
        processor: if RUN.fetch_add(1, Relaxed).is_multiple_of(256) {
            processor_time(started)
        } else {
            CURRENT.lock().expect("a lock").as_ref().map_or(0.0, |last| last.processor)
        },
        memory: IN_USE.load(Relaxed),
    };
    *CURRENT.lock().expect("a lock") = Some(current);
    std::panic::catch_unwind(|| (target.run)(input)).is_ok()
}

/// Random numbers: splitmix64 of Steele, Lea and Flood (2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        if n == 0 { 0 } else { (self.next() % n as u64) as usize }
    }
}

/// An input of the corpus with a few changes: words put in, parts left out, moved, repeated, taken from other inputs, bytes
/// and numbers of binary formats replaced.
fn mutated(corpus: &[Vec<u8>], words: &[&str], random: &mut Random) -> Vec<u8> {
    const LONGEST: usize = 20_000;
    let mut input = corpus[random.below(corpus.len())].clone();
    for _ in 0..=random.below(6) {
        let n = input.len();
        let (from, to) = (random.below(n + 1), random.below(n + 1));
        let length = random.below(40).min(n - from);
        match random.below(9) {
            0..=2 => {
                let word = words[random.below(words.len())];
                input.splice(from..from, word.bytes());
            }
            3 => {
                let word = words[random.below(words.len())];
                input.splice(from..from + length, word.bytes());
            }
            4 => drop(input.drain(from..from + length)),
            5 => {
                let part = input[from..from + length].to_vec();
                let times = [1, 1, 1, 2, 20][random.below(5)];
                (0..times).for_each(|_| drop(input.splice(to..to, part.iter().copied())));
            }
            6 => {
                let other = &corpus[random.below(corpus.len())];
                let start = random.below(other.len() + 1);
                let end = (start + random.below(80)).min(other.len());
                input.splice(from..from + length, other[start..end].iter().copied());
            }
            7 if n > 0 => {
                let at = random.below(n);
                input[at] = match random.below(4) {
                    0 => random.next() as u8,
                    1 => input[at] ^ (1 << random.below(8)),
                    2 => 0xff,
                    _ => 0,
                };
            }
            8 if n > 8 && random.below(4) == 0 => {
                let number =
                    [0, 1, u64::MAX, u64::from(u32::MAX), 1 << 31, 1 << 40, i64::MAX as u64];
                let number = number[random.below(number.len())];
                let width = [2, 4, 8][random.below(3)];
                let at = random.below(n - width);
                let bytes = number.to_le_bytes();
                input[at..at + width].copy_from_slice(&bytes[..width]);
            }
            8 if random.below(8) == 0 => input.truncate(from),
            _ => {}
        }
    }
    input.truncate(LONGEST);
    input
}

/// What was once found, by target: the names of the folders.
fn found() -> Vec<(&'static Target, PathBuf)> {
    let mut all = Vec::new();
    for target in TARGETS {
        let Ok(folder) = root().join("fuzz/found").join(target.name).read_dir() else { continue };
        let mut paths: Vec<PathBuf> = folder.map(|entry| entry.expect("an entry").path()).collect();
        paths.sort();
        all.extend(paths.into_iter().map(|path| (target, path)));
    }
    all
}

/// One test, because what it watches is the whole process.
#[test]
fn every_target_comes_to_an_end() {
    let variable = |name: &str| std::env::var(name).ok();
    let seconds: f64 =
        variable("BEA_FUZZ_SECONDS").map_or(1.0, |text| text.parse().expect("seconds"));
    let seed: u64 = variable("BEA_FUZZ_SEED").map_or(1, |text| text.parse().expect("a seed"));
    let only = variable("BEA_FUZZ_TARGET");
    if let Some(name) = &only {
        assert!(TARGETS.iter().any(|target| target.name == *name), "there is no target {name}");
    }
    let started = Instant::now();
    let watch = std::thread::spawn(move || watch(started));
    let mut failures = Vec::new();
    for (target, path) in found() {
        if !run(target, &std::fs::read(&path).expect("an input"), started) {
            failures.push(path);
        }
    }
    let wanted = |target: &&Target| only.as_ref().is_none_or(|name| *name == target.name);
    for target in TARGETS.iter().filter(wanted) {
        let corpus = (target.corpus)(root());
        assert!(!corpus.is_empty(), "{} has no corpus", target.name);
        let mut random = Random(seed);
        let end = Instant::now() + Duration::from_secs_f64(seconds);
        let mut count = 0_u64;
        for input in &corpus {
            if !run(target, input, started) {
                failures.push(save(target.name, input));
            }
        }
        while Instant::now() < end {
            let input = mutated(&corpus, target.words, &mut random);
            count += 1;
            if !run(target, &input, started) {
                failures.push(save(target.name, &input));
            }
        }
        println!("{:14} {count:9} inputs from {} of its corpus", target.name, corpus.len());
    }
    DONE.store(true, Relaxed);
    watch.join().expect("it ends");
    let _ = std::fs::remove_dir_all(targets::folder());
    assert!(failures.is_empty(), "panics on {failures:#?}");
}
