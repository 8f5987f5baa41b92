//! The pages lead somewhere: what they name of the sources is there, and each relative link in the
//! repository's Markdown leads to a file that there is and, behind a `#`, to a heading of it.

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

/// The files below a folder, as paths from the root with `/` in front.
fn sources(folder: &Path) -> Vec<String> {
    let entries =
        fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("a file").path());
    let of = |path: PathBuf| match path.is_dir() {
        true if path.ends_with("node_modules") => Vec::new(),
        true => sources(&path),
        false => vec![format!("/{}", path.display())],
    };
    entries.flat_map(of).collect()
}

#[test]
fn each_source_that_a_page_names_is_there() {
    let folders = ["benches", "loadtest", "origin", "tracker", "web"];
    let there: Vec<_> = folders.iter().flat_map(|folder| sources(&root().join(folder))).collect();
    let mut named = 0;
    for path in pages() {
        let page = fs::read_to_string(&path).expect("a page");
        // Elsewhere `.ts` is a segment.
        let is_code = |name: &&str| {
            name.ends_with(".rs") || (name.ends_with(".ts") && path.ends_with("ARCHITECTURE.md"))
        };
        for name in prose(&page).split('`').skip(1).step_by(2).filter(is_code) {
            let end = format!("/{name}");
            let is_there = there.iter().any(|source| source.ends_with(&end));
            assert!(is_there, "{}: there is no {name}", path.display());
            named += 1;
        }
    }
    assert!(named > 50, "{named}");
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
