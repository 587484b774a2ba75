//! How many cases a property tries.

use proptest::test_runner::Config;

/// What proptest tries of a property unless the environment variable `PROPTEST_CASES` says otherwise.
const USUAL: u32 = 256;

/// So many cases, and as many times more as `PROPTEST_CASES` is above 256: with 25600, a hundred times as many of every
/// property.
pub fn cases(count: u32) -> Config {
    let config = Config::default();
    let times = |n: u32| (u64::from(n) * u64::from(config.cases) / u64::from(USUAL)) as u32;
    let (cases, max_global_rejects) = (times(count).max(1), times(20_000));
    Config { cases, max_global_rejects, ..config }
}
