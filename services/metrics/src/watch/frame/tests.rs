use super::{Size, View, lines};
use crate::proc::memory::Memory;
use crate::rates::{ContainerUse, CpuUse, HostUse};
use crate::reading::Reading;
use cpu_budget::host::{CpuTimes, HostCpuTimes};
use proptest::prelude::*;

/// A host with these CPUs, all as busy, and so many containers.
fn frame(cpus: &[usize], busy: f64, containers: usize, size: Size, color: bool) -> Vec<String> {
    let times = cpus.iter().map(|cpu| (*cpu, CpuTimes::default()));
    let shares = CpuUse {
        user: busy * 0.75,
        system: busy * 0.25,
        ..CpuUse::default()
    };
    let reading = Reading {
        cpus: Some(HostCpuTimes {
            per_cpu: times.collect(),
        }),
        memory: Some(Memory {
            total_bytes: 8 << 30,
            available_bytes: Some(6 << 30),
        }),
        load: Some([0.5, 1.25, 120.0]),
        ..Reading::default()
    };
    let container = |number: usize| ContainerUse {
        id: format!("{number:012x}"),
        name: format!("primes-station-{number}"),
        cpus_used: Some(0.5),
        quota_cpus: Some(0.5),
        throttled_share: Some(0.975),
        memory_bytes: Some(12 << 20),
        memory_limit_bytes: Some(256 << 20),
    };
    let view = View {
        used: HostUse {
            seconds: 1.0,
            total: Some(shares),
            per_core: cpus.iter().map(|cpu| (*cpu, shares)).collect(),
            context_switches_per_second: Some(12345.0),
        },
        containers: (0..containers).map(container).collect(),
        reading: &reading,
    };
    lines(&view, size)
        .iter()
        .map(|line| line.print(color))
        .collect()
}

fn screen(columns: usize, rows: usize) -> Size {
    Size {
        columns,
        rows: Some(rows),
        is_screen: true,
    }
}

#[test]
fn two_cores_and_a_throttled_container() {
    let frame = frame(&[0, 1], 0.421, 1, screen(80, 24), false);

    assert_eq!(
        frame.join("\n"),
        "\
CPU 42.1 % of 2  stolen 0.0 %  switches 12345/s  over 1.0 s  q ends
load 0.50  1.25  120.00  (1, 5, 15 minutes)
memory 25.0 %  of 8.00 GiB
0[||||||||||||||||||||||||||||||                                          42.1%]
1[||||||||||||||||||||||||||||||                                          42.1%]

container                    CPUs    quota  throttled                memory
primes-station-0             0.50     0.50     97.5 %   12.0 MiB of 256 MiB"
    );
}

#[test]
fn a_host_with_192_cpus_fits_into_a_small_terminal() {
    let cpus: Vec<usize> = (0..192).collect();
    for (columns, rows) in [(80, 24), (120, 40), (200, 50), (320, 90)] {
        let frame = frame(&cpus, 1.0, 100, screen(columns, rows), false);

        assert!(
            frame.len() <= rows,
            "{columns} × {rows}: {} lines",
            frame.len()
        );
        let text = frame.join("\n");
        let figures = text.matches("100.0%").count();
        let levels = text.matches('█').count();
        assert_eq!(figures.max(levels), 192, "{columns} × {rows}:\n{text}");
        assert!(text.contains("primes-station-0"), "{text}");
        assert!(text.contains(" more"), "{text}");
    }
}

#[test]
fn bars_stand_in_columns_downwards_with_the_kernels_numbers() {
    let frame = frame(&[0, 1, 4, 191], 0.0, 0, screen(60, 5), false);

    assert_eq!(
        frame[3],
        "  0[                    0.0%]    4[                    0.0%]"
    );
    assert_eq!(
        frame[4],
        "  1[                    0.0%]  191[                    0.0%]"
    );
}

#[test]
fn colours_add_nothing_but_codes() {
    let plain = frame(&[0, 1], 0.5, 3, screen(80, 24), false).join("\n");
    let coloured = frame(&[0, 1], 0.5, 3, screen(80, 24), true).join("\n");

    assert!(!plain.contains('\u{1b}'));
    let mut pieces = coloured.split('\u{1b}');
    let first = pieces.next().unwrap_or_default().to_owned();
    let without = pieces.fold(first, |text, piece| {
        text + piece.split_once('m').map_or("", |(_, rest)| rest)
    });
    let trimmed: Vec<_> = without.lines().map(str::trim_end).collect();
    assert_eq!(trimmed.join("\n"), plain);
}

#[test]
fn without_a_terminal_all_containers_are_listed() {
    let size = Size {
        columns: 120,
        rows: None,
        is_screen: false,
    };
    let text = frame(&[0], 0.5, 30, size, false).join("\n");

    assert_eq!(text.matches("primes-station-").count(), 30);
    assert!(!text.contains("q ends") && !text.contains(" more"));
}

#[test]
fn what_is_unknown_is_shown_so() {
    let reading = Reading::default();
    let view = View {
        used: HostUse::default(),
        containers: Vec::new(),
        reading: &reading,
    };
    let text: Vec<_> = lines(&view, screen(80, 24))
        .iter()
        .map(|line| line.print(false))
        .collect();

    assert!(text[0].starts_with("CPU ? of ?"), "{text:?}");
    assert!(
        text.iter().any(|line| line.contains("/proc/stat")),
        "{text:?}"
    );
}

proptest! {
    #[test]
    fn no_frame_leaves_its_room(
        cpus in prop::collection::btree_set(0usize..1024, 1..300),
        busy in 0.0..1.0f64,
        containers in 0usize..40,
        columns in 20usize..400,
        rows in 4usize..120,
    ) {
        let cpus: Vec<usize> = cpus.into_iter().collect();
        let frame = frame(&cpus, busy, containers, screen(columns, rows), false);
        prop_assert!(frame.len() <= rows);
        for line in &frame {
            prop_assert!(line.chars().count() <= columns, "{columns}: {line:?}");
            // A line that is cut ends within a bar.
            prop_assert_eq!(line.matches('[').count(), line.matches(']').count());
        }
    }
}
