//! A plan as a picture that needs nothing else: SVG, or HTML with all that is said of it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use nim_shared::api::{PlannedLpar, RolloutPlanned};

use super::axis::{Axis, Layout};
use super::plan::{Plan, long, short};
use crate::output::text::clean;
use crate::output::{Style, View as _};

/// Points of a row.
const ROW: usize = 16;

/// Points of the names.
const LEFT: usize = 190;

/// Points of the bars.
const WIDTH: usize = 940;

/// Points above the first row.
const TOP: usize = 64;

/// Up to how many LPARs have a row each; beyond, each frame has one.
const ROWS: usize = 2000;

/// Colours of waves, which come again after the last: to be told apart also by those who see few colours, and each is named in the title
/// of its bar.
const WAVES: [&str; 6] = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00"];

/// The picture.
pub(super) fn svg(planned: &RolloutPlanned) -> String {
    let plan = &planned.plan;
    let axis = Axis::of(plan, Layout { width: WIDTH, least: 150, gap: 10 });
    let single = plan.targets.len() <= ROWS;
    let mut frames: BTreeMap<&str, Vec<&PlannedLpar>> = BTreeMap::new();
    for one in &plan.targets {
        let frame = one.frame.as_ref().map_or("frame not known", |frame| frame.as_str());
        frames.entry(frame).or_default().push(one);
    }
    let mut body = String::new();
    let mut y = TOP;
    for (frame, lpars) in &frames {
        text(&mut body, 8, y, "frame", frame);
        if single {
            y += ROW;
            for one in lpars {
                text(&mut body, 20, y, "name", one.lpar.as_str());
                bar(&mut body, planned, one, &axis, y);
                y += ROW;
            }
        } else {
            lpars.iter().for_each(|one| bar(&mut body, planned, one, &axis, y));
            y += ROW;
        }
    }
    let height = y + ROW;
    let mut marks = String::new();
    for part in &axis.parts {
        let x = LEFT + part.at;
        let end = x + part.width;
        text(&mut marks, x, TOP - 24, "time", &short(part.begin()));
        for x in [x, end] {
            draw(
                &mut marks,
                format_args!(
                    r#"<line x1="{x}" y1="{}" x2="{x}" y2="{}"/>"#,
                    TOP - 18,
                    height - ROW
                ),
            );
        }
    }
    if let Some(last) = axis.parts.last() {
        let x = LEFT + last.at + last.width;
        let label = escaped(&short(last.end()));
        draw(
            &mut marks,
            format_args!(r#"<text x="{x}" y="{}" class="time end">{label}</text>"#, TOP - 13),
        );
    }
    let mut key = String::new();
    let mut x = LEFT;
    for (number, wave) in plan.waves.iter().enumerate() {
        let colour = WAVES[number % WAVES.len()];
        draw(
            &mut key,
            format_args!(r#"<rect x="{x}" y="10" width="10" height="10" fill="{colour}"/>"#),
        );
        text(&mut key, x + 14, 10, "name", wave.name.as_str());
        x += 34 + 7 * wave.name.as_str().len();
    }
    let title = escaped(&format!(
        "Rollout {}: {} to {} (usually {})",
        plan.name,
        long(plan.begin),
        long(plan.end),
        long(plan.usual_end)
    ));
    let width = LEFT + WIDTH + 20;
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img">
<title>{title}</title>
<style>text{{font:12px sans-serif;fill:#222}}.frame{{font-weight:bold}}.time{{fill:#555}}.end{{text-anchor:end}}line{{stroke:#ccc}}</style>
<rect width="100%" height="100%" fill="#fff"/>
<text x="8" y="20" class="frame">{name}</text>
{key}{marks}{body}</svg>
"##,
        name = escaped(plan.name.as_str()),
    )
}

/// The bar of an LPAR: strong the usual time, weak up to what 95 of 100 do not exceed. Its title says the rest.
fn bar(into: &mut String, planned: &RolloutPlanned, one: &PlannedLpar, axis: &Axis, y: usize) {
    let begin = LEFT + axis.place(one.begin);
    let usual = (LEFT + axis.place(one.usual_end)).max(begin + 1);
    let end = (LEFT + axis.place(one.end)).max(usual);
    let wave = planned.plan.waves.get(one.wave);
    let colour = WAVES[one.wave % WAVES.len()];
    let mut title = format!(
        "{}, wave {}: {} to {}, at the latest {}",
        one.lpar,
        wave.map_or("?", |wave| wave.name.as_str()),
        short(one.begin),
        short(one.usual_end),
        short(one.end)
    );
    if let Some(blackout) = one.blackout {
        title += &format!(", blackout up to {blackout}");
    }
    if let Some(waits) = &one.waits_for {
        title += &format!(", waits for {waits}");
    }
    let (y, height) = (y + 2, ROW - 4);
    draw(
        into,
        format_args!(
            r#"<g fill="{colour}"><title>{}</title><rect x="{begin}" y="{y}" width="{}" height="{height}" opacity="0.85"/><rect x="{usual}" y="{y}" width="{}" height="{height}" opacity="0.35"/></g>"#,
            escaped(&title),
            usual - begin,
            end - usual
        ),
    );
}

fn text(into: &mut String, x: usize, y: usize, class: &str, what: &str) {
    let what = escaped(what);
    draw(into, format_args!(r#"<text x="{x}" y="{}" class="{class}">{what}</text>"#, y + ROW - 5));
}

fn draw(into: &mut String, what: std::fmt::Arguments<'_>) {
    writeln!(into, "{what}").expect("a String takes everything");
}

/// A page with the picture, and below it all that is shown on a terminal.
pub(super) fn html(planned: &RolloutPlanned) -> String {
    let style = Style { color: false, width: None, wide: true };
    let name = escaped(planned.plan.name.as_str());
    let said = escaped(&Plan(planned.clone()).table(style));
    let picture = svg(planned);
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>Rollout {name}</title>\n\
         <style>body{{font-family:sans-serif;margin:2em}}pre{{font-size:13px;overflow-x:auto}}</style></head>\n\
         <body>\n{picture}<pre>{said}</pre>\n</body>\n</html>\n"
    )
}

/// Text that means nothing to a reader of XML.
pub(super) fn escaped(text: &str) -> String {
    let lines: Vec<String> = text.split('\n').map(clean).collect();
    let text = lines.join("\n");
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
