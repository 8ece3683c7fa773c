//! (f) `nimctl list` among 100,000 LPARs, whole process.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::hosts::Site;
use crate::report::{Gate, Row, number, step};

/// Number of LPARs.
const LPARS: u32 = 100_000;

/// LPARs of one fleet file.
const FILE: u32 = 10_000;

/// How often each list is asked for. The middle one counts.
const TIMES: usize = 31;

/// Measures the row on a site that it fills.
pub(crate) fn measure(site: &Site) -> Result<Row> {
    step(&format!("apply of {LPARS} LPARs, and lists of them"));
    let begun = Instant::now();
    for first in (0..LPARS).step_by(usize::try_from(FILE)?) {
        let mut text = String::from("standalone:\n");
        for number in first..first + FILE {
            writeln!(text, "- name: lpar{number:06}\n  if1: find_net lpar{number:06} 0")?;
        }
        site.apply("fleet.yaml", &text)?;
    }
    let mut row = Row::new(format!("(f) nimctl list among {LPARS} LPARs, whole process"));
    row.figure(
        "(their apply, for the record)",
        format!("{} s", number(begun.elapsed().as_secs_f64())),
    );
    let cases: [(&str, &[&str], usize); 2] = [
        ("one object", &["list", "lpar054321", "--output", "json"], 1),
        ("a page of 50", &["list", "standalone", "--limit", "50", "--output", "json"], 50),
    ];
    for (what, arguments, count) in cases {
        let mut times = Vec::new();
        for _ in 0..TIMES {
            let begun = Instant::now();
            let said = site.nimctl(arguments)?;
            times.push(begun.elapsed());
            let found: Vec<serde_json::Value> = serde_json::from_str(&said)?;
            ensure!(found.len() == count, "{what}: {} objects", found.len());
        }
        times.sort();
        let (middle, slowest) = (milliseconds(times[TIMES / 2]), milliseconds(times[TIMES - 1]));
        row.figure(
            what,
            format!("{} ms, the slowest of {TIMES} {} ms", number(middle), number(slowest)),
        );
        row.at_most(&format!("milliseconds, {what}"), middle, 30.0, Gate::Yes);
    }
    Ok(row)
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
