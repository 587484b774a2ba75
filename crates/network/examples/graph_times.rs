//! Times an operator graph: `graph_times FOLDER gradient|hv SECONDS` evaluates the gradient or a Hessian-vector product of
//! the loss in `FOLDER` at its own parameters for so many seconds, three times at least, and prints a JSON object with the
//! times of all evaluations after the first, in seconds, the processor time of one of them, the bytes of memory that they
//! took at most beyond what the process held before the first, and the sum of squares of the result.
//!
//! `benches/peers/graphs.py` runs it beside PyTorch. Memory is what Linux says; elsewhere it is 0.

use bea_network::NetworkLoss;
use bea_network::device::Device;
use bea_network::graph::Graph;
use std::error::Error;
use std::path::Path;
use std::time::Instant;

/// That of the command and of the Python package.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A number of KiB in `/proc/self/status`.
fn kibibytes(name: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("");
    line.trim_start_matches(':').trim().trim_end_matches(" kB").parse().unwrap_or(0)
}

/// User and system time of the process so far, in seconds, by Linux's clock of 100 ticks a second.
fn processor() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(") ").next().unwrap_or("").split(' ').skip(11).take(2);
    fields.filter_map(|field| field.parse::<f64>().ok()).sum::<f64>() / 100.0
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, quantity, seconds] = &arguments[..] else {
        return Err("usage: graph_times FOLDER gradient|hv SECONDS".into());
    };
    let seconds: f64 = seconds.parse()?;
    let graph = Graph::open(Path::new(folder))?;
    let theta = graph.initial().to_vec();
    let loss = NetworkLoss::of_graph(graph, &Device::find("cpu")?)?;
    // Signs that follow no pattern of a layer, as the script has them.
    let v: Vec<f64> = (0..theta.len()).map(|i| if i % 7 % 2 == 0 { 1.0 } else { -1.0 }).collect();
    let evaluate = || match quantity.as_str() {
        "hv" => Ok(loss.hessian_vectors(&theta, &[&v])?.remove(0)),
        "gradient" => Ok(loss.gradient(&theta)?.1),
        other => Err(Box::<dyn Error>::from(format!("no quantity `{other}`"))),
    };
    std::fs::write("/proc/self/clear_refs", "5").ok();
    let held = kibibytes("VmRSS");
    let squares = evaluate()?.iter().map(|x| x * x).sum::<f64>();
    let (start, before) = (Instant::now(), processor());
    let mut times = Vec::new();
    while times.len() < 2 || start.elapsed().as_secs_f64() < seconds {
        let start = Instant::now();
        evaluate()?;
        times.push(start.elapsed().as_secs_f64());
    }
    let peak = 1024 * kibibytes("VmHWM").saturating_sub(held);
    let processor = (processor() - before) / times.len() as f64;
    println!(
        r#"{{"times": {times:?}, "processor": {processor}, "peak": {peak}, "squares": {squares:e}}}"#
    );
    Ok(())
}
