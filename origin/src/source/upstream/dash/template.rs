//! The names of segments by a template (ISO/IEC 23009-1, 5.3.9.4.4).

/// What stands for the identifiers of a template.
#[derive(Debug, Clone, Copy)]
pub(super) struct Values<'a> {
    pub(super) representation_id: &'a str,
    pub(super) bandwidth: u64,
    pub(super) number: u64,
    pub(super) time: u64,
}

/// The widest number that is asked for: `%020d`.
const WIDTH_MAX: usize = 20;

/// The template with its values; `None` when it is not understood.
pub(super) fn expand(template: &str, values: Values<'_>) -> Option<String> {
    let mut name = String::with_capacity(template.len() + 16);
    let mut rest = template;
    while let Some((plain, after)) = rest.split_once('$') {
        name.push_str(plain);
        let (identifier, after) = after.split_once('$')?;
        rest = after;
        let (identifier, width) = match identifier.split_once("%0") {
            Some((identifier, width)) => (identifier, width.strip_suffix('d')?.parse().ok()?),
            None => (identifier, 1),
        };
        let number = match identifier {
            "" => {
                name.push('$');
                continue;
            }
            "RepresentationID" => {
                name.push_str(values.representation_id);
                continue;
            }
            "Number" => values.number,
            "Time" => values.time,
            "Bandwidth" => values.bandwidth,
            _ => return None,
        };
        if width > WIDTH_MAX {
            return None;
        }
        name.push_str(&format!("{number:0width$}"));
    }
    name.push_str(rest);
    Some(name)
}

/// Whether segments are named by their time, and not by their number.
pub(super) fn is_by_time(template: &str) -> bool {
    template.contains("$Time")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_become_their_values() {
        let values =
            Values { representation_id: "v0", bandwidth: 800_000, number: 42, time: 123_456 };
        for (template, name) in [
            ("chunk-stream$RepresentationID$-$Number%05d$.m4s", "chunk-streamv0-00042.m4s"),
            ("$Bandwidth$/$Time$.m4s", "800000/123456.m4s"),
            ("a$$b", "a$b"),
            ("plain", "plain"),
        ] {
            assert_eq!(expand(template, values).as_deref(), Some(name));
        }
        for odd in ["$Number", "$Other$", "$Number%05x$", "$Number%0999d$", "$SubNumber$"] {
            assert_eq!(expand(odd, values), None, "{odd}");
        }
    }
}
