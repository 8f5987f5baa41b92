//! The verdict's thresholds are those of the alerts, and it says what is worst first.

#![allow(clippy::expect_used, reason = "tests")]

use super::*;

fn calm<'a>(five_minutes: &'a Tally, ten_minutes: &'a Tally) -> Signs<'a> {
    Signs {
        five_minutes,
        ten_minutes,
        ten_minutes_s: 600.0,
        busiest: 0.1,
        descriptors: Some(0.1),
        certificate_left: Some(Duration::from_secs(30 * 86_400)),
        failing_streams: Vec::new(),
        alone: false,
        stopping: false,
    }
}

fn alerts(verdict: &Verdict) -> Vec<&'static str> {
    verdict.reasons.iter().map(|reason| reason.alert).collect()
}

fn quiet() -> Tally {
    Tally { announces: 1000, relays: 9000, ..Tally::default() }
}

#[test]
fn a_calm_node_is_well() {
    let quiet = quiet();
    let verdict = calm(&quiet, &quiet).judge();
    assert_eq!((verdict.state, verdict.reasons.len()), (State::Well, 0));
    let nothing = Tally::default();
    let young = Signs { descriptors: None, ..calm(&nothing, &nothing) };
    assert_eq!(young.judge().state, State::Well);
}

#[test]
fn each_sign_alone_is_told_under_its_alert() {
    let quiet = quiet();
    let mut five = quiet.clone();
    five.turned_away[TurnedAway::Full { key: "", bound: 0 }.index()] = 3;
    assert_eq!(alerts(&calm(&five, &quiet).judge()), ["TrackerFull"]);
    let mut five = quiet.clone();
    five.undelivered = 1;
    assert_eq!(alerts(&calm(&five, &quiet).judge()), ["TrackerDropsMessages"]);
    let mut five = quiet.clone();
    (five.relay_times[0], five.relay_times[12]) = (98, 2);
    assert_eq!(alerts(&calm(&five, &quiet).judge()), ["TrackerPassesOnSlowly"]);
    let mut ten = quiet.clone();
    ten.closes[Close::SlowReader.index()] = 10;
    assert_eq!(alerts(&calm(&quiet, &ten).judge()), [""; 0], "one of a hundred is no more");
    ten.closes[Close::SlowReader.index()] = 11;
    assert_eq!(alerts(&calm(&quiet, &ten).judge()), ["TrackerSlowReaders"]);
    let mut ten = quiet.clone();
    ten.refusals[0] = 2600;
    assert_eq!(alerts(&calm(&quiet, &ten).judge()), [""; 0], "a fifth, and one a second");
    ten.refusals[3] = 1;
    assert_eq!(alerts(&calm(&quiet, &ten).judge()), ["TrackerRefusesMuch"]);
    let mut ten = quiet.clone();
    ten.twins = 1;
    assert_eq!(alerts(&calm(&quiet, &ten).judge()), ["TrackerNameTwice"]);
    let calm = || calm(&quiet, &quiet);
    let hours = |hours: u64| Some(Duration::from_secs(hours * 3600));
    for (signs, alert) in [
        (Signs { busiest: 0.81, ..calm() }, "TrackerWorkersBusy"),
        (Signs { descriptors: Some(0.81), ..calm() }, "TrackerDescriptorsNearLimit"),
        (Signs { certificate_left: hours(14 * 24 - 1), ..calm() }, "TrackerCertificateEnds"),
        (Signs { failing_streams: vec!["news"], ..calm() }, "StreamFailing"),
        (Signs { alone: true, ..calm() }, "TrackerAlone"),
        (Signs { stopping: true, ..calm() }, "TrackerStopsForLong"),
    ] {
        assert_eq!(alerts(&signs.judge()), [alert]);
    }
}

#[test]
fn what_viewers_notice_comes_first() {
    let quiet = quiet();
    let signs = Signs { stopping: true, descriptors: Some(0.9), ..calm(&quiet, &quiet) };
    let verdict = signs.judge();
    assert_eq!(verdict.state, State::Trouble);
    assert_eq!(alerts(&verdict), ["TrackerDescriptorsNearLimit", "TrackerStopsForLong"]);
    assert_eq!(verdict.reasons[0].text, "90 % of the file descriptors are in use");
}

fn alerts_file() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/operating/alerts.yml");
    std::fs::read_to_string(path).expect("alerts")
}

/// The text of a rule in the file of alerts, without line breaks.
fn rule(name: &str) -> String {
    let file = alerts_file();
    let rules = file.split("- alert: ").skip(1);
    let rule = rules.into_iter().find(|rule| rule.lines().next() == Some(name)).expect(name);
    rule.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_thresholds_are_those_of_the_alerts() {
    let days = CERTIFICATE_LEFT_MIN.as_secs() / 86_400;
    for (name, severity, threshold) in [
        ("TrackerFull", "page", "reason=\"full\"}[5m]) > 0".to_owned()),
        ("TrackerDescriptorsNearLimit", "page", format!("> {DESCRIPTORS_MAX}")),
        ("TrackerAlone", "page", "tracker_cluster_connected{job=\"tracker\"} == 0".to_owned()),
        ("TrackerNameTwice", "ticket", "[10m]) > 0".to_owned()),
        ("TrackerCertificateEnds", "ticket", format!("< {days} * 86400")),
        ("TrackerWorkersBusy", "ticket", format!("[5m])) > {BUSY_MAX}")),
        ("TrackerPassesOnSlowly", "ticket", format!("[5m]))) > {RELAY_P99_MAX_S}")),
        ("TrackerDropsMessages", "ticket", "[5m]) > 0".to_owned()),
        ("TrackerSlowReaders", "ticket", format!("> {SLOW_READERS_MAX} * sum by")),
        ("TrackerRefusesMuch", "ticket", format!("> {REFUSALS_MAX} * sum by")),
        ("TrackerRefusesMuch", "ticket", format!("[10m])) + {REFUSALS_PER_SECOND_MAX}")),
        ("TrackerStopsForLong", "ticket", "== 1".to_owned()),
    ] {
        let rule = rule(name);
        assert!(rule.contains(&threshold), "{name}: {threshold} is not in {rule}");
        assert!(rule.contains(&format!("severity: {severity}")), "{name}: {rule}");
    }
}

#[test]
fn every_alert_about_a_node_that_runs_has_its_sign() {
    // A node that is down says nothing, and one that restarts doesn't know how often.
    let unknowable = ["TrackerDown", "TrackerRestartsOften"];
    let busy = Tally { announces: 1000, undelivered: 1, twins: 1, ..Tally::default() };
    let mut ten = busy.clone();
    ten.closes[Close::SlowReader.index()] = 11;
    ten.refusals[0] = 1000;
    let mut five = busy;
    five.turned_away[TurnedAway::Full { key: "", bound: 0 }.index()] = 1;
    five.relay_times[12] = 1;
    let verdict = Signs {
        busiest: 1.0,
        descriptors: Some(1.0),
        certificate_left: Some(Duration::ZERO),
        alone: true,
        stopping: true,
        ..calm(&five, &ten)
    }
    .judge();
    let file = alerts_file();
    let rules = file.split("- alert: ").skip(1).filter_map(|rule| rule.lines().next());
    for rule in rules.filter(|rule| !unknowable.contains(rule)) {
        assert!(alerts(&verdict).contains(&rule), "the dashboard doesn't know {rule}");
    }
}
