//! Runs of experiments: resumed runs equal uninterrupted ones, measurements equal those made by hand.

use bea::experiment::{Experiment, Folder, Run, Scale};
use bea::source::Source;

fn config(text: &str) -> bea::experiment::Config {
    let source = Source::new("test.toml", text);
    Experiment::parse(source, Scale::Small, &[]).unwrap().runs().unwrap().remove(0)
}

#[test]
fn try_iris() {
    let text = std::fs::read_to_string("/tmp/iris.toml").unwrap();
    let start = std::time::Instant::now();
    let mut run = Run::new(config(&text)).unwrap();
    while run.end().is_none() {
        run.advance(&|| false);
        eprintln!("{} {:?}", run.state().step, start.elapsed());
    }
    eprintln!("{}\n{}", run.config().resolved, run.metrics().csv());
    let _ = Folder::create(std::path::Path::new("/tmp/irisrun"), true).unwrap().save(&run).unwrap();
}
