//! Writes what mutations start from, `corpus/TARGET/…`, where `cargo fuzz` looks for it.

use std::path::Path;

fn main() -> std::io::Result<()> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = here.parent().expect("the repository");
    for target in bea_fuzz::TARGETS {
        let folder = here.join("corpus").join(target.name);
        std::fs::create_dir_all(&folder)?;
        for (number, input) in (target.corpus)(root).iter().enumerate() {
            std::fs::write(folder.join(format!("{number:03}")), input)?;
        }
    }
    let _ = std::fs::remove_dir_all(bea_fuzz::folder());
    Ok(())
}
