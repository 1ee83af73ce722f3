//! What set the pace of a pipeline, in words.

use super::figures::CPUS;
use crate::duration::duration;
use crate::report::{PipelineFigures, Row, StageFigures, Verdict, VerdictKind};
use crate::text::figures::{digits, percent};

/// The verdict of a row whose samples are of a pipeline.
pub(super) fn verdict(row: &Row, figures: &PipelineFigures) -> Verdict {
    Verdict {
        kind: figures.kind.unwrap_or(VerdictKind::Unclear),
        text: text(figures),
        evidence: evidence(row, figures),
        next: next(figures),
        also: Vec::new(),
    }
}

fn stage<'f>(figures: &'f PipelineFigures, name: &str) -> Option<&'f StageFigures> {
    figures.stages.iter().find(|stage| stage.stage == name)
}

fn binding(figures: &PipelineFigures) -> Option<&StageFigures> {
    stage(figures, figures.binding.as_deref()?)
}

fn text(figures: &PipelineFigures) -> String {
    if figures.binding.as_deref() == Some(CPUS) && figures.kind == Some(VerdictKind::Host) {
        return "The CPUs set the pace: all were in use, and less than half of them by the stages. \
                Something else had them."
            .to_owned();
    }
    if figures.binding.as_deref() == Some(CPUS) {
        return "The CPUs set the pace: all were in use, and no stage gets more but at another's \
                expense."
            .to_owned();
    }
    let Some(stage) = binding(figures) else {
        return "No stage can be named that set the pace: none alone had something to do all the \
                time, round by round."
            .to_owned();
    };
    let threads = threads(stage);
    let why = match figures.kind {
        Some(VerdictKind::Quota) => format!(
            "its quota ({} × {} CPUs) was used up, and kept it off a CPU while items waited",
            stage.replicas,
            stage.quota_cpus.map_or("?".to_owned(), digits)
        ),
        Some(VerdictKind::Waiting) => format!(
            "its {threads} waited for what an item needs, on no CPU; more CPU is no use to them"
        ),
        Some(VerdictKind::Workers) => {
            format!("its {threads} had work all the time, and one is on one CPU at most")
        }
        Some(VerdictKind::Idle) => "it gave items at the rate that it was asked for".to_owned(),
        Some(VerdictKind::Host) => {
            format!("its {threads} were ready to run, and other stages or programs had the CPUs")
        }
        _ => format!("its {threads} had something to do all the time"),
    };
    format!("{} set the pace: {why}.", stage.stage)
}

fn threads(stage: &StageFigures) -> String {
    match stage.replicas * stage.threads {
        1 => "one thread".to_owned(),
        threads => format!("{threads} threads"),
    }
}

fn evidence(row: &Row, figures: &PipelineFigures) -> String {
    let mut parts = Vec::new();
    let mut busiest: Vec<&StageFigures> = figures.stages.iter().collect();
    busiest.sort_by(|a, b| {
        b.utilisation
            .unwrap_or(0.0)
            .total_cmp(&a.utilisation.unwrap_or(0.0))
    });
    let busy = busiest.iter().take(2).filter_map(|stage| {
        let share = percent(stage.utilisation?);
        Some(format!("{} {share}", stage.stage))
    });
    let busy: Vec<String> = busy.collect();
    if !busy.is_empty() {
        parts.push(format!("had something to do: {}", busy.join(", next ")));
    }
    if let Some(queue) = binding(figures).and_then(before) {
        parts.push(queue);
    }
    if let Some(rate) = figures.items_per_second {
        let predicted = figures.predicted_items_per_second.filter(|_| !row.baseline);
        let predicted = predicted.map_or_else(String::new, |predicted| {
            format!(
                " of {} predicted ({:+.0} %)",
                digits(predicted.median),
                (rate.median / predicted.median - 1.0) * 100.0
            )
        });
        parts.push(format!("{} items/s{predicted}", digits(rate.median)));
    }
    let differs = figures.predicted_binding.as_ref().filter(|name| {
        figures
            .binding
            .as_ref()
            .is_some_and(|binding| binding != *name)
    });
    if let Some(name) = differs {
        parts.push(format!("by the model {name} would set it"));
    }
    parts.join("; ")
}

fn before(stage: &StageFigures) -> Option<String> {
    Some(format!(
        "the queue before it held {} items on average, and each was there for {}",
        digits(stage.queue_items?),
        duration(stage.queue_seconds?)
    ))
}

/// From how many replicas on something else binds, and what that is worth.
fn next(figures: &PipelineFigures) -> String {
    let agree = figures.binding == figures.predicted_binding;
    let (Some(name), true) = (&figures.binding, agree) else {
        return String::new();
    };
    let (Some(replicas), Some(next), Some(then), Some(now)) = (
        figures.replicas_until_next,
        &figures.next_binding,
        figures.next_items_per_second,
        figures.items_per_second,
    ) else {
        return if figures.kind == Some(VerdictKind::Host) {
            "Run it again when nothing else runs here.".to_owned()
        } else if name == CPUS {
            "Replicas gain nothing here: less CPU time per item does, or more CPUs.".to_owned()
        } else {
            String::new()
        };
    };
    let what = if next == CPUS {
        "all CPUs are in use".to_owned()
    } else {
        format!("{next} binds")
    };
    format!(
        "From {replicas} replicas of {name} on {what}, at {} items/s: {} × as many as now. More \
         of them gain nothing.",
        digits(then),
        digits(then / now.median)
    )
}
