//! Every input that a fuzzer found worth keeping, and every one that once broke a promise, through
//! its target.

#![allow(clippy::expect_used, reason = "a test may fail")]

use std::collections::BTreeSet;
use std::fs;
use std::panic::catch_unwind;
use std::path::Path;

use tracker_fuzz::TARGETS;

#[test]
fn every_kept_input_passes_its_target() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let folders = fs::read_dir(&corpus).expect("a corpus").map(|folder| {
        folder.expect("an entry").file_name().into_string().expect("a target's name")
    });
    let targets = TARGETS.map(|(name, _)| name.to_owned());
    assert_eq!(folders.collect::<BTreeSet<_>>(), BTreeSet::from(targets));

    for (target, run) in TARGETS {
        let mut inputs = 0;
        for entry in fs::read_dir(corpus.join(target)).expect("a folder") {
            let path = entry.expect("an entry").path();
            let data = fs::read(&path).expect("an input");
            assert!(catch_unwind(|| run(&data)).is_ok(), "{}", path.display());
            inputs += 1;
        }
        assert!(inputs >= 20, "{target} has {inputs} inputs");
    }
}
