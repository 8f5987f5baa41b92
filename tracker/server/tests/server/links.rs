//! The pages lead somewhere: each relative link in the repository's Markdown names a file that there
//! is and, behind a `#`, a heading of it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Where there are pages. What npm and cargo put into the others is somebody else's.
const FOLDERS: [&str; 4] = [".", "docs", "docs/decisions", "docs/operating"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn pages() -> Vec<PathBuf> {
    let in_folder = |folder| fs::read_dir(root().join(folder)).expect("a folder");
    let files = FOLDERS.into_iter().flat_map(in_folder).map(|entry| entry.expect("a file").path());
    files.filter(|path| path.extension().is_some_and(|end| end == "md")).collect()
}

/// The page without what stands between fences.
fn prose(page: &str) -> String {
    page.split("\n```").step_by(2).collect::<Vec<_>>().join("\n")
}

/// What stands behind `](` in the text.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).filter_map(|rest| rest.split(')').next())
}

/// What GitHub makes of the headings: letters, digits, `-` and `_`, with `-` for each blank.
fn anchors(page: &str) -> BTreeSet<String> {
    let slug = |heading: &str| -> String {
        let kept = heading.trim().to_lowercase();
        let kept = kept.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    let text = prose(page);
    let headings = text.lines().filter(|line| line.starts_with('#'));
    headings.map(|line| slug(line.trim_start_matches('#'))).collect()
}

#[test]
fn each_relative_link_leads_to_a_file_and_a_heading() {
    let mut followed = 0;
    for path in pages() {
        let page = fs::read_to_string(&path).expect("a page");
        for link in links(&prose(&page)).filter(|link| !link.contains("://")) {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let to = match file {
                "" => path.clone(),
                file => path.with_file_name(file),
            };
            assert!(to.exists(), "{}: {link} leads nowhere", path.display());
            if !anchor.is_empty() {
                let there = fs::read_to_string(&to).expect("a page");
                let has = anchors(&there).contains(anchor);
                assert!(has, "{}: {link} has no such heading", path.display());
            }
            followed += 1;
        }
    }
    assert!(followed > 50, "{followed}");
}
